import Configuration
import Kernels

extension Precision {
    /// Selects the precision of products.
    ///
    /// - Parameters:
    ///   - options: the keys of `kernels`.
    ///   - recorded: the selection that the run began with; `auto` keeps its precision. Nil for a new run.
    ///   - hasInstructions: whether the processors of all ranks multiply bfloat16 numbers at twice the rate of floats.
    public static func select(
        _ options: TrainingConfiguration.KernelOptions, recorded: ProductsSelection?, hasInstructions: Bool
    ) -> Precision {
        switch options.precision {
        case .float32: return .float32
        case .bfloat16: return .bfloat16
        case .auto:
            let isWanted = recorded.map { $0.precision == .bfloat16 } ?? (options.products != .openblas)
            return isWanted && hasInstructions ? .bfloat16 : .float32
        }
    }
}
