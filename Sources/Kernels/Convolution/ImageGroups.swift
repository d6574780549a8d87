/// A division of a batch into groups of images. A pass that computes operands or results as floats first, does so for one group at a time.
/// The memory for them is then that of a group.
public struct ImageGroups {
    /// The images of each group.
    public let ranges: [Range<Int>]

    /// - Parameters:
    ///   - batch: images in all.
    ///   - imageFloats: floats of an image.
    ///   - groupFloats: floats of a group, approximately (16 MiB). A group has one image at least.
    public init(_ batch: Int, imageFloats: Int, groupFloats: Int = 1 << 22) {
        let images = max(1, groupFloats / max(1, imageFloats))
        ranges = stride(from: 0, to: batch, by: images).map { $0..<min($0 + images, batch) }
    }
}
