/// The channels of a product's result in parts, each with the transformed weights that give it.
///
/// Where all images are one chunk, a part's weights are transformed, used and left by one task, and stay in its cache. With several chunks,
/// or few channels, the weights of all parts are transformed first and kept, and the products are shared out by positions.
struct WinogradSlices {
    static let width = 64
    /// Up to this many floats (4 MiB) the transformed weights of all parts stay in the last-level cache anyway.
    private static let cachedFloats = 1 << 20

    private let channels: Int
    private let channelFloats: Int
    private let positions: Int
    private let keepsAll: Bool

    /// Calls its argument for every part and position, with the part's scratch.
    typealias Products = (_ multiply: (_ slice: Range<Int>, _ position: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void) -> Void
    typealias SliceTask = (_ slice: Range<Int>, _ scratch: UnsafeMutablePointer<Float>) -> Void

    /// - Parameter channelFloats: scratch that a channel of the result needs.
    init(channels: Int, channelFloats: Int, positions: Int, hasOneChunk: Bool) {
        self.channels = channels
        self.channelFloats = channelFloats
        self.positions = positions
        keepsAll = !hasOneChunk || channels * channelFloats <= Self.cachedFloats
    }

    private var count: Int { (channels + Self.width - 1) / Self.width }

    private subscript(number: Int) -> Range<Int> {
        number * Self.width..<min((number + 1) * Self.width, channels)
    }

    /// Calls `chunks`, which calls the products that it is given once a chunk; `prepare` comes before a part's first product, `finish` after
    /// its last.
    func run(prepare: @escaping SliceTask, finish: @escaping SliceTask, chunks: (Products) -> Void) {
        if keepsAll { runKeeping(prepare, finish, chunks) } else { chunks { runSliceBySlice(prepare, finish, $0) } }
    }

    /// The same with what was prepared in `forEach(in:)`, which is not written to.
    func run(prepared: UnsafePointer<Float>, chunks: (Products) -> Void) {
        chunks { runByPositions(UnsafeMutablePointer(mutating: prepared), $0) }
    }

    /// Scratch of all parts.
    var scratchCount: Int { Self.scratchChannels(channels) * channelFloats }

    /// Weights lie in whole panels.
    private static func scratchChannels(_ channels: Int) -> Int {
        (channels + WinogradWeights.panelWidth - 1) / WinogradWeights.panelWidth * WinogradWeights.panelWidth
    }

    /// Calls `task` for every part with its place in the scratch of all, in parallel.
    func forEach(in scratch: UnsafeMutablePointer<Float>, _ task: SliceTask) {
        Parallel.forEach(count) { task(self[$0], scratch + self[$0].lowerBound * channelFloats) }
    }

    private func runKeeping(_ prepare: SliceTask, _ finish: SliceTask, _ chunks: (Products) -> Void) {
        BufferPool.withScratch(scratchCount) { scratch in
            forEach(in: scratch, prepare)
            chunks { runByPositions(scratch, $0) }
            forEach(in: scratch, finish)
        }
    }

    private func runByPositions(
        _ scratch: UnsafeMutablePointer<Float>, _ multiply: (Range<Int>, Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        Parallel.forEach(positions) { position in
            for number in 0..<count { multiply(self[number], position, scratch + self[number].lowerBound * channelFloats) }
        }
    }

    private func runSliceBySlice(
        _ prepare: @escaping SliceTask, _ finish: @escaping SliceTask, _ multiply: (Range<Int>, Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        Parallel.forEach(count) { number in
            let slice = self[number]
            BufferPool.withScratch(Self.scratchChannels(slice.count) * channelFloats) { scratch in
                prepare(slice, scratch)
                for position in 0..<positions { multiply(slice, position, scratch) }
                finish(slice, scratch)
            }
        }
    }
}
