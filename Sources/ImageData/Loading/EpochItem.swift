/// One use of an image in an epoch.
public struct EpochItem: Hashable, Sendable {
    /// The index of the image in its split.
    public var index: Int
    /// How often the epoch uses the image before: 0 for its first use.
    public var repetition: Int

    /// Creates a use of an image.
    public init(index: Int, repetition: Int = 0) {
        self.index = index
        self.repetition = repetition
    }

    /// The key of this use's random numbers: the index, plus the number of images of the split for each earlier use. Uses of the same image
    /// therefore differ in augmentation and noise.
    ///
    /// - Parameter imageCount: the number of images of the split.
    public func key(imageCount: Int) -> Int { index + repetition * imageCount }
}

extension EpochItem {
    /// Numbers the uses of each image in a list of indices.
    static func numbered(_ indices: [Int], imageCount: Int) -> [EpochItem] {
        var uses = [Int](repeating: 0, count: imageCount)
        return indices.map { index in
            defer { uses[index] += 1 }
            return EpochItem(index: index, repetition: uses[index])
        }
    }
}
