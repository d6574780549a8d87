/// The gradients of a step, cut into buckets whose sums over the ranks begin as soon as all their gradients are complete.
///
/// The buckets have a fixed size and a fixed order: networks in their order, and of each network from the end of its arena, where the
/// backward pass begins, to the start. Every rank begins the same sums in the same order, whatever passes it runs.
final class GradientBuckets {
    private let gradients: [UnsafeMutableBufferPointer<Float>]
    private let floats: Int
    private let begin: (UnsafeMutableBufferPointer<Float>) -> Void
    /// For each network, where the complete gradients start.
    private var complete: [Int]
    /// For each network, where the gradients end whose sums have not begun.
    private var remaining: [Int]

    /// - Parameters:
    ///   - gradients: of each network.
    ///   - bytes: the size of a bucket. Buckets start at multiples of it, so the first of a network can be smaller.
    ///   - begin: begins the sum of a bucket.
    init(_ gradients: [UnsafeMutableBufferPointer<Float>], bytes: Int, begin: @escaping (UnsafeMutableBufferPointer<Float>) -> Void) {
        self.gradients = gradients
        self.begin = begin
        floats = max(bytes / MemoryLayout<Float>.stride, 1)
        complete = gradients.map(\.count)
        remaining = gradients.map(\.count)
    }

    /// The gradients of network `index` are complete from `offset` on.
    func complete(_ index: Int, from offset: Int) {
        complete[index] = min(complete[index], offset)
        beginCompleteBuckets()
    }

    /// All gradients are complete.
    func completeAll() {
        for index in complete.indices { complete[index] = 0 }
        beginCompleteBuckets()
    }

    private func beginCompleteBuckets() {
        for index in gradients.indices {
            while remaining[index] > 0 {
                let start = (remaining[index] - 1) / floats * floats
                guard complete[index] <= start else { return }
                begin(UnsafeMutableBufferPointer(rebasing: gradients[index][start..<remaining[index]]))
                remaining[index] = start
            }
        }
    }
}
