import Interchange

/// The properties of a run that a resumed run must share.
public struct RunIdentity: Codable, Equatable, Sendable {
    public var seed: UInt64
    public var resolutions: [Int]
    public var classes: [String]
    public var trainingImages: Int
    /// A checksum of the names of all images, after `checksumPrefix`.
    public var imageNames: String
    /// The same for each split. Nil in checkpoints of earlier builds.
    public var trainingNames: String?
    public var validationNames: String?
    /// Nil in checkpoints of earlier builds.
    public var validationImages: Int?
    public var batchSize: Int
    public var accumulationSteps: Int
    public var stages: [String]

    /// Identifies the kind of checksum. Checkpoints of earlier builds have another kind, without a prefix.
    package static let checksumPrefix = "crc32:"

    package init(
        seed: UInt64, resolutions: [Int], classes: [String], trainingImages: Int, validationImages: Int? = nil, imageNames: String,
        trainingNames: String? = nil, validationNames: String? = nil, batchSize: Int, accumulationSteps: Int, stages: [String]
    ) {
        self.seed = seed
        self.resolutions = resolutions
        self.classes = classes
        self.trainingImages = trainingImages
        self.validationImages = validationImages
        self.imageNames = imageNames
        self.trainingNames = trainingNames
        self.validationNames = validationNames
        self.batchSize = batchSize
        self.accumulationSteps = accumulationSteps
        self.stages = stages
    }

    /// The differences from the identity in a checkpoint, one phrase each.
    package struct Differences: Equatable {
        /// A resumed run must not have these.
        package var settings: [String] = []
        /// Other training images. A resumed run can have them, but it is not exact then.
        package var training: [String] = []
        /// Other validation images. They do not influence training.
        package var validation: [String] = []

        package init() {}
    }

    package func differences(from saved: RunIdentity) -> Differences {
        var differences = Differences()
        func compare<Value: Equatable>(
            _ name: String, _ value: Value, _ old: Value, _ list: WritableKeyPath<Differences, [String]> = \.settings
        ) {
            if value != old { differences[keyPath: list].append("\(name) is \(value), was \(old)") }
        }
        compare("seed", seed, saved.seed)
        compare("resolutions", resolutions, saved.resolutions)
        if classes != saved.classes {
            differences.settings.append("the list of classes differs (\(Figures.difference(classes, from: saved.classes)))")
        }
        compare("optimizer.batchSize", batchSize, saved.batchSize)
        compare("optimizer.accumulationSteps", accumulationSteps, saved.accumulationSteps)
        compare("the list of stages", stages, saved.stages)

        compare("the number of training images", trainingImages, saved.trainingImages, \.training)
        if let trainingNames, let old = saved.trainingNames, let validationNames, let oldValidation = saved.validationNames {
            if trainingImages == saved.trainingImages {
                compare("the checksum of the training images' names", trainingNames, old, \.training)
            }
            compare("the number of validation images", validationImages ?? 0, saved.validationImages ?? 0, \.validation)
            if validationImages == saved.validationImages {
                compare("the checksum of the validation images' names", validationNames, oldValidation, \.validation)
            }
        } else if trainingImages == saved.trainingImages
            && imageNames.hasPrefix(Self.checksumPrefix) == saved.imageNames.hasPrefix(Self.checksumPrefix)
        {
            compare("the checksum of the images' names", imageNames, saved.imageNames, \.training)
        }
        return differences
    }
}
