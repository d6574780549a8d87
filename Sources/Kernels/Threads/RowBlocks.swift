/// The rows of a batch of images in blocks that one task handles each: several whole images, or a part of one that is a multiple of the
/// runs in which sums are taken. What a block does with an image's rows then does not depend on the images before it, nor on the number of
/// threads.
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
}
