/// A division of a batch into groups of images. A pass that computes operands or results as floats first, does so for one group at a time.
/// The memory for them is then that of a group.
public struct ImageGroups {
    /// The images of each group.
    public let ranges: [Range<Int>]

    /// Groups of `imagesAtOnce` images. The last one can be smaller.
    public init(_ batch: Int, imagesAtOnce: Int) {
        ranges = stride(from: 0, to: batch, by: imagesAtOnce).map { $0..<min($0 + imagesAtOnce, batch) }
    }

    /// Groups of about 16 MiB. A group has one image at least.
    ///
    /// - Parameters:
    ///   - batch: the number of images.
    ///   - imageFloats: floats of an image.
    public init(_ batch: Int, imageFloats: Int) {
        self.init(batch, imagesAtOnce: max(1, (1 << 22) / max(1, imageFloats)))
    }
}
