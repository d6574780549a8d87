/// Divides the rows of a batch of images into blocks, one per task. A block consists of several whole images or of a part of one image. A
/// part is a multiple of the runs in which sums are computed. The processing of an image's rows therefore depends neither on the images
/// before it nor on the number of threads.
public struct RowBlocks {
    /// The number of blocks.
    public let count: Int
    private let images: Int
    private let rowsPerImage: Int
    private let blocksPerImage: Int
    /// Rows per block if an image has several blocks. Otherwise a block has `imagesPerBlock` whole images.
    private let rowsPerBlock: Int
    private let imagesPerBlock: Int

    /// Divides `images` images of `rowsPerImage` rows each.
    ///
    /// - Parameters:
    ///   - images: of the batch.
    ///   - rowsPerImage: pixels of an image.
    ///   - blockRows: the approximate number of rows per block.
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

    /// The total number of rows.
    var rowCount: Int { images * rowsPerImage }

    /// The rows of a block.
    public subscript(block: Int) -> Range<Int> {
        if blocksPerImage > 1 {
            let (image, part) = (block / blocksPerImage, block % blocksPerImage)
            let start = image * rowsPerImage + part * rowsPerBlock
            return start..<min(start + rowsPerBlock, (image + 1) * rowsPerImage)
        }
        return block * imagesPerBlock * rowsPerImage..<min((block + 1) * imagesPerBlock, images) * rowsPerImage
    }
}
