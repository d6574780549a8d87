/// Divides Winograd's products into parts, and runs the parts and chunks of a pass in order.
///
/// If all images form one chunk, one task prepares the weights of a part, multiplies with them and finishes the part. The weights stay in
/// that task's cache. With several chunks or few channels, the weights of all parts are prepared first and kept, and the products are
/// divided among the threads by position.
struct WinogradParts {
    private let layout: WinogradWeightLayout
    /// Channels per part.
    private let width: Int
    private let hasGradients: Bool
    private let chunks: WinogradChunks
    private let context: KernelContext

    /// Up to this size (in floats, 4 MiB) the transformed weights of all parts stay in the last-level cache anyway.
    private static let cachedFloats = 1 << 20

    init(_ layout: WinogradWeightLayout, hasGradients: Bool, _ chunks: WinogradChunks, _ context: KernelContext) {
        self.layout = layout
        self.hasGradients = hasGradients
        self.chunks = chunks
        self.context = context
        width = context.winogradProducts.blocking.winogradPartChannels
    }

    /// Groups per tile. A tile has as many groups as a group has positions.
    private var groups: Int { layout.positions }

    /// Floats of the transformed weights of all parts.
    private var weightCount: Int { groups * layout.count }

    private var gradientCount: Int { hasGradients ? groups * groups * gradientStride(layout.columns) : 0 }

    /// Floats of the gradient of `channels` channels at one position.
    private func gradientStride(_ channels: Int) -> Int { channels * (layout.rows + 1) }

    /// Runs a pass and prepares its weights.
    func run(_ pass: some WinogradPass) {
        guard chunks.isSingle && weightCount + gradientCount > Self.cachedFloats else { return runKeeping(pass) }
        chunks.forEach { chunk in
            pass.begin(chunk)
            runPartByPart(pass, chunk)
            pass.end(chunk)
        }
    }

    /// Runs a pass with weights from `prepare`. Does not write to them.
    func run(_ pass: some WinogradPass, prepared: UnsafePointer<Float>) {
        chunks.forEach { chunk in
            pass.begin(chunk)
            multiplyByPositions(pass, chunk, UnsafeMutablePointer(mutating: prepared))
            pass.end(chunk)
        }
    }

    /// Calls `transform` for all parts. Their weights are in `prepared`.
    func prepare(into prepared: UnsafeMutablePointer<Float>, _ transform: (WinogradPart) -> Void) {
        context.threads.forEach(sliceCount * groups) { transform(kept($0 / groups, group: $0 % groups, in: prepared)) }
    }

    /// The number of channel slices. Each slice has one part per group.
    private var sliceCount: Int { (layout.columns + width - 1) / width }

    private func slice(_ number: Int) -> Range<Int> { number * width..<min((number + 1) * width, layout.columns) }

    /// Returns a part of the memory that holds all parts: the weights first, then the gradients.
    private func kept(_ number: Int, group: Int, in memory: UnsafeMutablePointer<Float>) -> WinogradPart {
        let slice = slice(number)
        return WinogradPart(
            channels: slice, group: group, weights: memory + group * layout.count + layout.offset(column: slice.lowerBound),
            gradient: memory + weightCount + groups * gradientStride(group * layout.columns + slice.lowerBound),
            gradientStride: gradientStride(slice.count))
    }

    private func runKeeping(_ pass: some WinogradPass) {
        context.buffers.withScratch(weightCount + gradientCount) { memory in
            prepare(into: memory, pass.prepare)
            run(pass, prepared: memory)
            context.threads.forEach(sliceCount) { number in
                for group in 0..<groups { pass.finish(kept(number, group: group, in: memory)) }
            }
        }
    }

    private func multiplyByPositions(_ pass: some WinogradPass, _ chunk: WinogradChunk, _ memory: UnsafeMutablePointer<Float>) {
        context.threads.forEach(groups * groups) { task in
            for number in 0..<sliceCount { pass.multiply(kept(number, group: task / groups, in: memory), task % groups, chunk) }
        }
    }

    /// Gradients of the same channels use the same memory, so in a backward pass one task computes all groups of a slice. A forward pass
    /// has one task per group.
    private func runPartByPart(_ pass: some WinogradPass, _ chunk: WinogradChunk) {
        let tasksOfSlice = hasGradients ? 1 : groups
        context.threads.forEach(sliceCount * tasksOfSlice) { task in
            let slice = slice(task / tasksOfSlice)
            let (weightCount, gradientStride) = (layout.with(columns: slice.count).count, gradientStride(slice.count))
            context.buffers.withScratch(weightCount + (hasGradients ? groups * gradientStride : 0)) { memory in
                for group in stride(from: task % tasksOfSlice, to: groups, by: tasksOfSlice) {
                    let part = WinogradPart(
                        channels: slice, group: group, weights: memory, gradient: memory + weightCount, gradientStride: gradientStride)
                    pass.prepare(part)
                    for position in 0..<groups { pass.multiply(part, position, chunk) }
                    pass.finish(part)
                }
            }
        }
    }
}
