import Kernels

/// Sums of gradients that do not depend on the order of the additions.
///
/// Each gradient is rounded to a multiple of 2⁻⁴⁴ and added in double precision. Doubles have 53 bits, so sums are exact as long as they
/// are below 2⁹ = 512, whatever the order and the grouping. Gradients of a mean loss are far below this; larger ones are summed, too, but
/// their last bit can then depend on the number of ranks. The rounding is finer than that of a float for gradients above 10⁻⁶.
final class ExactSums {
    private let sums: UnsafeMutableBufferPointer<Double>
    private let context: KernelContext

    private static let scale = 0x1p44
    /// Elements of one task.
    private static let blockSize = 1 << 16

    /// Sums of zero.
    ///
    /// - Parameter count: elements of the vectors.
    init(count: Int, _ context: KernelContext) {
        self.context = context
        sums = .allocate(capacity: count)
        sums.initialize(repeating: 0)
    }

    deinit { sums.deallocate() }

    /// Adds a vector.
    func add(_ values: UnsafeMutableBufferPointer<Float>) {
        guard let source = values.baseAddress, let target = sums.baseAddress else { return }
        context.threads.forEachBlock(values.count, blockSize: Self.blockSize) { block in
            for index in block { target[index] += (Double(source[index]) * Self.scale).rounded(.toNearestOrEven) }
        }
    }

    /// values ← the sums over all ranks and all vectors, which begin again at zero. Collective.
    func take(into values: UnsafeMutableBufferPointer<Float>, _ exchange: RankExchange) throws {
        guard let target = values.baseAddress, let source = sums.baseAddress else { return }
        try exchange.sumOverRanks(sums, label: "gradients")
        context.threads.forEachBlock(values.count, blockSize: Self.blockSize) { block in
            for index in block {
                target[index] = Float(source[index] / Self.scale)
                source[index] = 0
            }
        }
    }
}
