/// Writes the pixels `rows` of a matrix [pixels × channels], numbered over the batch, to `target`: what a kernel reads without its ever being
/// written out as a whole. Called from several threads at once, for each pixel about once.
public typealias RowReader = (_ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>) -> Void

/// Is told that the pixels `rows` of a kernel's result are complete, while they are hot. Called once for every pixel, from several threads at
/// once; calls with one `slot` never overlap and come in the same order at any number of threads, so that sums are kept a slot.
public typealias RowFinisher = (_ slot: Int, _ rows: Range<Int>) -> Void

/// The same of the channels `channels` alone. Every channel of a pixel is told of once; calls with one slot and the same channels never overlap and
/// come in the same order.
public typealias BlockFinisher = (_ slot: Int, _ rows: Range<Int>, _ channels: Range<Int>) -> Void

/// A matrix [pixels × channels] that lies in memory, or that is computed a few rows at a time from others.
public enum Rows {
    case stored(UnsafePointer<Float>)
    case computed(RowReader)

    /// Rows of a sweep over a whole matrix that one task handles. Fixed, so that sums do not depend on the number of threads.
    public static let blockSize = 512

    /// Copies or computes `rows` into `target`.
    @inline(__always)
    public func read(_ rows: Range<Int>, channels: Int, into target: UnsafeMutablePointer<Float>) {
        switch self {
        case .stored(let values): target.update(from: values + rows.lowerBound * channels, count: rows.count * channels)
        case .computed(let reader): reader(rows, target)
        }
    }

    /// Calls `body` with the memory of `rows`: the matrix itself, or scratch memory that they are computed into.
    @inline(__always)
    func withRows(_ rows: Range<Int>, channels: Int, _ body: (UnsafePointer<Float>) -> Void) {
        switch self {
        case .stored(let values): body(values + rows.lowerBound * channels)
        case .computed(let reader):
            BufferPool.withScratch(rows.count * channels) {
                reader(rows, $0)
                body($0)
            }
        }
    }

    /// Calls `body` with the whole matrix of `count` rows, computed in parallel where it is not stored.
    func withAll(_ count: Int, channels: Int, _ body: (UnsafePointer<Float>) -> Void) {
        switch self {
        case .stored(let values): body(values)
        case .computed(let reader):
            BufferPool.withScratch(count * channels) { target in
                Parallel.forEachBlock(count, blockSize: Self.blockSize) { reader($0, target + $0.lowerBound * channels) }
                body(target)
            }
        }
    }
}

/// The rows of a batch of images in blocks that one task handles each: several whole images, or a part of one that is a multiple of the runs
/// in which sums are taken. What a block does with an image's rows then does not depend on the images before it, nor on the number of threads.
public struct RowBlocks {
    public let count: Int
    private let images: Int
    private let rowsPerImage: Int
    private let blocksPerImage: Int
    /// Of one image, or of several whole ones.
    private let rowsPerBlock: Int
    private let imagesPerBlock: Int

    /// - Parameter blockRows: about how many rows a block should have.
    public init(images: Int, rowsPerImage: Int, blockRows: Int = Rows.blockSize) {
        self.images = images
        self.rowsPerImage = max(1, rowsPerImage)
        let parts = max(1, self.rowsPerImage / blockRows)
        let runs = (self.rowsPerImage + parts * ChannelSums.runRows - 1) / (parts * ChannelSums.runRows)
        rowsPerBlock = runs * ChannelSums.runRows
        blocksPerImage = (self.rowsPerImage + rowsPerBlock - 1) / rowsPerBlock
        imagesPerBlock = blocksPerImage > 1 ? 1 : max(1, blockRows / self.rowsPerImage)
        count = blocksPerImage > 1 ? images * blocksPerImage : (images + imagesPerBlock - 1) / imagesPerBlock
    }

    /// Rows of all blocks together.
    var rowCount: Int { images * rowsPerImage }

    public subscript(block: Int) -> Range<Int> {
        if blocksPerImage > 1 {
            let (image, part) = (block / blocksPerImage, block % blocksPerImage)
            let start = image * rowsPerImage + part * rowsPerBlock
            return start..<min(start + rowsPerBlock, (image + 1) * rowsPerImage)
        }
        return block * imagesPerBlock * rowsPerImage..<min((block + 1) * imagesPerBlock, images) * rowsPerImage
    }

    /// Calls `body(block, rows)` for all blocks, in parallel.
    public func forEach(_ body: RowFinisher) {
        Parallel.forEach(count) { body($0, self[$0]) }
    }
}
