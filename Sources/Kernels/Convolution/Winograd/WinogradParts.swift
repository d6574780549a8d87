/// The work of Winograd's products in parts, each with the transformed weights that it needs and, going back, the weights' transformed
/// gradient: 64 channels of the result, and the positions of one group.
///
/// Where all images are one chunk, a part's weights are transformed, used and left by one task, and stay in its cache. With several chunks,
/// or few channels, the weights of all parts are transformed first and kept, and the products are shared out by positions.
struct WinogradParts {
    struct Part {
        var channels: Range<Int>
        var group: Int
        var weights: UnsafeMutablePointer<Float>
        /// For each position of the group a matrix [channels × rows of the weights], `gradientStride` floats apart; forward there is none,
        /// and nothing behind the pointer.
        var gradient: UnsafeMutablePointer<Float>
        var gradientStride: Int
    }

    typealias PartTask = (Part) -> Void
    /// Calls its argument for every part and each position of its group.
    typealias Products = (_ multiply: (_ part: Part, _ position: Int) -> Void) -> Void

    private static let width = 64
    /// Up to this many floats (4 MiB) the transformed weights of all parts stay in the last-level cache anyway.
    private static let cachedFloats = 1 << 20

    private let channels: Int
    /// Groups of a tile, and positions of a group.
    private let groups: Int
    private let layout: WinogradWeights
    private let hasGradients: Bool
    private let hasOneChunk: Bool
    private let context: KernelContext

    init(channels: Int, groups: Int, _ layout: WinogradWeights, hasGradients: Bool, hasOneChunk: Bool, _ context: KernelContext) {
        self.channels = channels
        self.groups = groups
        self.layout = layout
        self.hasGradients = hasGradients
        self.hasOneChunk = hasOneChunk
        self.context = context
    }

    private var keepsAll: Bool { !hasOneChunk || weightCount + gradientCount <= Self.cachedFloats }

    /// Floats of the transformed weights of all parts.
    var weightCount: Int { groups * layout.count(columns: channels) }

    private var gradientCount: Int { hasGradients ? groups * groups * gradientStride(channels) : 0 }

    /// Floats of the gradient of so many channels at one position.
    private func gradientStride(_ channels: Int) -> Int { channels * (layout.rows + 1) }

    /// Transforms the weights of all parts, for `run(prepared:)`.
    func prepare(_ prepared: UnsafeMutablePointer<Float>, _ prepare: PartTask) {
        context.threads.forEach(sliceCount * groups) { prepare(kept($0 / groups, $0 % groups, prepared)) }
    }

    /// Calls `chunks`, which calls the products that it is given once a chunk; `prepare` comes before a part's first product, `finish` after
    /// its last, for all groups of the same channels one after another.
    func run(prepare: @escaping PartTask, finish: @escaping PartTask, chunks: (Products) -> Void) {
        if keepsAll { runKeeping(prepare, finish, chunks) } else { chunks { runPartByPart(prepare, finish, $0) } }
    }

    /// The same with what was prepared, which is not written to.
    func run(prepared: UnsafePointer<Float>, chunks: (Products) -> Void) {
        chunks { runByPositions(UnsafeMutablePointer(mutating: prepared), $0) }
    }

    private var sliceCount: Int { (channels + Self.width - 1) / Self.width }

    private func slice(_ number: Int) -> Range<Int> {
        number * Self.width..<min((number + 1) * Self.width, channels)
    }

    /// A part whose place is among all others, in the scratch that `runKeeping` takes.
    private func kept(_ number: Int, _ group: Int, _ scratch: UnsafeMutablePointer<Float>) -> Part {
        let slice = slice(number)
        return Part(
            channels: slice, group: group,
            weights: scratch + group * layout.count(columns: channels) + layout.offset(row: 0, column: slice.lowerBound),
            gradient: scratch + weightCount + groups * gradientStride(group * channels + slice.lowerBound),
            gradientStride: gradientStride(slice.count))
    }

    private func runKeeping(_ prepare: PartTask, _ finish: PartTask, _ chunks: (Products) -> Void) {
        context.buffers.withScratch(weightCount + gradientCount) { scratch in
            self.prepare(scratch, prepare)
            chunks { runByPositions(scratch, $0) }
            context.threads.forEach(sliceCount) { number in
                for group in 0..<groups { finish(kept(number, group, scratch)) }
            }
        }
    }

    private func runByPositions(_ scratch: UnsafeMutablePointer<Float>, _ multiply: (Part, Int) -> Void) {
        context.threads.forEach(groups * groups) { task in
            for number in 0..<sliceCount { multiply(kept(number, task / groups, scratch), task % groups) }
        }
    }

    /// Gradients of the same channels go to the same place, so that one task has all their groups.
    private func runPartByPart(_ prepare: @escaping PartTask, _ finish: @escaping PartTask, _ multiply: (Part, Int) -> Void) {
        let tasksOfSlice = hasGradients ? 1 : groups
        context.threads.forEach(sliceCount * tasksOfSlice) { task in
            let slice = slice(task / tasksOfSlice)
            let (weightCount, gradientStride) = (layout.count(columns: slice.count), gradientStride(slice.count))
            context.buffers.withScratch(weightCount + (hasGradients ? groups * gradientStride : 0)) { scratch in
                for group in stride(from: task % tasksOfSlice, to: groups, by: tasksOfSlice) {
                    let part = Part(
                        channels: slice, group: group, weights: scratch, gradient: scratch + weightCount, gradientStride: gradientStride)
                    prepare(part)
                    for position in 0..<groups { multiply(part, position) }
                    finish(part)
                }
            }
        }
    }
}
