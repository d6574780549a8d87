/// The properties of a run that a resumed run must share.
public struct RunIdentity: Codable, Equatable, Sendable {
    public var seed: UInt64
    public var resolutions: [Int]
    public var classes: [String]
    public var trainingImages: Int
    /// A checksum of the names of all images, after `checksumPrefix`.
    public var imageNames: String
    public var batchSize: Int
    public var accumulationSteps: Int
    public var stages: [String]

    /// Identifies the kind of checksum. Checkpoints of earlier builds have another kind, without a prefix.
    package static let checksumPrefix = "crc32:"

    package init(
        seed: UInt64, resolutions: [Int], classes: [String], trainingImages: Int, imageNames: String, batchSize: Int,
        accumulationSteps: Int, stages: [String]
    ) {
        self.seed = seed
        self.resolutions = resolutions
        self.classes = classes
        self.trainingImages = trainingImages
        self.imageNames = imageNames
        self.batchSize = batchSize
        self.accumulationSteps = accumulationSteps
        self.stages = stages
    }

    /// Describes the differences from the identity in a checkpoint, one phrase each.
    package func differences(from saved: RunIdentity) -> [String] {
        var differences: [String] = []
        func compare<Value: Equatable>(_ name: String, _ value: Value, _ old: Value) {
            if value != old { differences.append("\(name) is \(value), was \(old)") }
        }
        compare("seed", seed, saved.seed)
        compare("resolutions", resolutions, saved.resolutions)
        compare("the list of classes", classes, saved.classes)
        compare("the number of training images", trainingImages, saved.trainingImages)
        let isComparable = imageNames.hasPrefix(Self.checksumPrefix) == saved.imageNames.hasPrefix(Self.checksumPrefix)
        if trainingImages == saved.trainingImages && isComparable {
            compare("the checksum of the images' names", imageNames, saved.imageNames)
        }
        compare("optimizer.batchSize", batchSize, saved.batchSize)
        compare("optimizer.accumulationSteps", accumulationSteps, saved.accumulationSteps)
        compare("the list of stages", stages, saved.stages)
        return differences
    }
}
