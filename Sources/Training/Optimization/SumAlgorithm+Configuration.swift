import Communication
import Configuration

extension SumAlgorithm {
    /// The algorithm that a configuration names.
    init(_ sums: TrainingConfiguration.GradientSums) {
        switch sums {
        case .auto: self = .hosts
        case .ring: self = .ring
        case .library: self = .library
        }
    }
}
