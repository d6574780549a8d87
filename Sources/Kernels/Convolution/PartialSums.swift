/// Weight gradients as sums over parts of a batch. The parts are summed in parallel, each in memory of its own, and added in order. The
/// result does not depend on the number of threads.
enum PartialSums {
    /// The number of parts that a dense convolution divides its pixels into.
    static let parts = 16
    /// The maximum size of weights, in floats, for which the sums of all parts stay small. Larger weights are divided among the threads in
    /// place of the pixels.
    static let maximumCount = 1 << 16
    /// Floats of a task that adds the sums of all parts. They stay in the first-level cache.
    private static let blockFloats = 1 << 12

    /// target += the sums of all parts.
    ///
    /// - Parameters:
    ///   - parts: the number of parts.
    ///   - count: floats of a sum.
    ///   - target: the weight gradient.
    ///   - context: what computes.
    ///   - write: overwrites `sum` with the sum of a part.
    static func add(
        _ parts: Int, count: Int, to target: UnsafeMutablePointer<Float>, _ context: KernelContext,
        write: (_ part: Int, _ sum: UnsafeMutablePointer<Float>) -> Void
    ) {
        context.buffers.withScratch(parts * count) { sums in
            context.threads.forEach(parts) { write($0, sums + $0 * count) }
            context.threads.forEachBlock(count, blockSize: blockFloats) { block in
                for part in 0..<parts {
                    Elementwise.add(
                        UnsafePointer(sums) + (part * count + block.lowerBound), to: target + block.lowerBound, count: block.count)
                }
            }
        }
    }
}
