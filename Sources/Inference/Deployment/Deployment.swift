import Configuration
import DynamicResolution
import Foundation
import Interchange

/// How to use the weights of a run: which checkpoint, what chooses resolutions, and λ. `deployment.json` holds one, as `drnet recommend`
/// writes it. docs/deployment.md describes every field.
public struct Deployment: Codable, Equatable, Sendable {
    /// What chooses the resolution of an image.
    public enum Chooser: String, Codable, CaseIterable, Sendable {
        /// All images take one resolution.
        case fixed
        /// The decider that the run trained.
        case trained
        /// The classifier's answer at the smallest resolution is kept if it is sure enough.
        case thresholdCascade
    }

    /// The checkpoint that the weights come from.
    public struct Weights: Codable, Equatable, Sendable {
        public var step: Int
        /// Size and CRC-32 of each file that holds weights.
        public var files: [String: FileChecksum]
    }

    /// How an image becomes the network's input.
    public struct Preprocessing: Codable, Equatable, Sendable {
        /// Side of the square input, in pixels: the largest resolution.
        public var size: Int
        /// The shorter side is resized to this factor times `size`; then the centre is cropped.
        public var resizeRatio: Double
        /// The side of the centre crop that each resolution sees of this input, as a share of its side. The predictor sees all of it.
        public var views: [Double]
        /// Of red, green and blue, for values of 0 … 1.
        public var mean: [Float]
        public var standardDeviation: [Float]
    }

    /// The costs of an image.
    public struct Costs: Codable, Equatable, Sendable {
        public var gigaFLOPs: ImageCosts
        /// Nil if they were not measured.
        public var milliseconds: ImageCosts?
        /// How the milliseconds were measured.
        public var conditions: CostTable.Conditions?
        /// The unit of the costs that decisions weigh.
        public var unit: CostUnit

        public init(gigaFLOPs: ImageCosts, milliseconds: ImageCosts?, conditions: CostTable.Conditions?, unit: CostUnit) {
            self.gigaFLOPs = gigaFLOPs
            self.milliseconds = milliseconds
            self.conditions = conditions
            self.unit = unit
        }

        /// What decisions weigh: argmax_j (score_j − λ C_j / C_1).
        public var weighed: ImageCosts { unit == .milliseconds ? milliseconds ?? gigaFLOPs : gigaFLOPs }
    }

    /// What the held-out images of the recommendation say about this deployment.
    public struct Expectation: Codable, Equatable, Sendable {
        public var images: Int
        /// On all of these images with the deployed setting. `drnet evaluate --deployment` on the same images gives these numbers.
        public var top1: Double
        public var gigaFLOPs: Double
        public var milliseconds: Double?
        /// Estimates for other images: each image was measured with a setting that was chosen without it.
        public var crossFitted: CrossFitted

        public struct CrossFitted: Codable, Equatable, Sendable {
            public var top1: IntervalEstimate
            /// Mean cost in units of the largest resolution's, in the unit of the recommendation.
            public var costShare: Double
            /// Differences of top-1 accuracy.
            public var overLargest: IntervalEstimate
            public var overRandomMix: IntervalEstimate
            public var overBestFixed: IntervalEstimate

            public init(
                top1: IntervalEstimate, costShare: Double, overLargest: IntervalEstimate, overRandomMix: IntervalEstimate,
                overBestFixed: IntervalEstimate
            ) {
                self.top1 = top1
                self.costShare = costShare
                self.overLargest = overLargest
                self.overRandomMix = overRandomMix
                self.overBestFixed = overBestFixed
            }
        }

        public init(images: Int, top1: Double, gigaFLOPs: Double, milliseconds: Double?, crossFitted: CrossFitted) {
            self.images = images
            self.top1 = top1
            self.gigaFLOPs = gigaFLOPs
            self.milliseconds = milliseconds
            self.crossFitted = crossFitted
        }
    }

    public private(set) var format = Self.format
    public private(set) var version = Self.currentVersion
    /// The run folder, relative to the folder of the deployment's file, or absolute.
    public var run: String
    public var weights: Weights
    public var chooser: Chooser
    /// `fixed`: the resolution of all images, in pixels.
    public var resolution: Int?
    /// λ of the other choosers, in units of the scores for the cost of the largest resolution. `thresholdCascade` keeps the answer of the
    /// smallest resolution if its largest probability is at least 1 − λ.
    public var costWeight: Double?
    /// Candidates, largest first, in pixels.
    public var resolutions: [Int]
    /// In the order of the logits.
    public var classes: [String]
    public var preprocessing: Preprocessing
    public var costs: Costs
    public var expected: Expectation

    static let format = "drnet-deployment"
    /// The version that this build writes, and the latest one that it reads.
    static let currentVersion = 1

    /// Describes the use of a checkpoint.
    ///
    /// - Parameters:
    ///   - run: the run folder.
    ///   - file: the path that the deployment will be written to.
    ///   - checkpoint: the weights.
    ///   - configuration: of the run.
    ///   - classes: in the order of the logits.
    ///   - chooser: what chooses resolutions.
    ///   - resolution: with `fixed`: of all images, in pixels.
    ///   - costWeight: λ of the other choosers.
    ///   - costs: of an image with this chooser.
    ///   - expected: what held-out images say.
    /// - Throws: `InterchangeError` if the manifest of the checkpoint cannot be read.
    package init(
        run: RunFolder, file: String, _ checkpoint: Checkpoint, _ configuration: TrainingConfiguration, classes: [String],
        chooser: Chooser, resolution: Int?, costWeight: Double?,
        costs: Costs, expected: Expectation
    ) throws {
        self.run = Self.reference(to: run.path, from: file)
        weights = Weights(step: checkpoint.step, files: try Self.weights(of: checkpoint))
        self.chooser = chooser
        self.resolution = resolution
        self.costWeight = costWeight
        resolutions = configuration.resolutions
        self.classes = classes
        preprocessing = Preprocessing(configuration)
        self.costs = costs
        self.expected = expected
    }

    /// The files of a checkpoint that hold weights, with their checksums.
    static func weights(of checkpoint: Checkpoint) throws -> [String: FileChecksum] {
        try checkpoint.checksums().filter { $0.key != CheckpointFiles.optimizer }
    }

    /// A run folder can be moved together with the deployment in it.
    private static func reference(to run: String, from file: String) -> String {
        func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        return absolute(run) == absolute(DurableFile.parent(of: file)) ? "." : absolute(run)
    }

    /// The network of a run's weights, as this deployment uses it.
    package func deploying(_ model: FrozenDRNet) -> FrozenDRNet {
        switch chooser {
        case .trained: return model
        case .thresholdCascade: return model.withThresholdCascade()
        case .fixed: return model.withFixedResolution(resolutions.firstIndex(of: resolution ?? resolutions[0]) ?? 0)
        }
    }

    /// In words: "fixed resolution 96", "threshold cascade with λ = 0.12".
    package var description: String {
        let weight = String(format: "λ = %.6g", costWeight ?? 0)
        switch chooser {
        case .fixed: return "fixed resolution \(resolution ?? 0)"
        case .trained: return "trained decider with \(weight)"
        case .thresholdCascade: return "threshold cascade with \(weight)"
        }
    }
}

extension Deployment.Preprocessing {
    init(_ configuration: TrainingConfiguration) {
        let data = configuration.data
        self.init(
            size: configuration.resolutions[0], resizeRatio: data.widestResizeRatio,
            views: data.views(resolutionCount: configuration.resolutions.count), mean: data.mean, standardDeviation: data.standardDeviation)
    }
}
