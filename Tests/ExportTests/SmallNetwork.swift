import Configuration
import DynamicResolution
import Kernels
import NeuralNetwork
import TestSupport

@testable import Export
@testable import Inference

/// A small network with random weights, as some deployment uses it.
enum SmallNetwork {
    static let resolutions = [64, 48, 32]
    static let classes = ["a", "b", "c"]

    enum Kind: CaseIterable {
        case fixed, predictor, threshold, learned
    }

    static func make(
        _ kind: Kind, architecture: any NetworkArchitecture = small, views: [Double]? = nil, outputs: DecisionOutputs = .policy
    ) -> ExportedNetwork {
        let classifier = architecture.makeNetwork(outputs: classes.count, resolutionCount: resolutions.count)
        let features = classifier.definition.featureCount
        let decider: Decider?
        let network: Network?
        switch kind {
        case .fixed: (decider, network) = (nil, nil)
        case .threshold: (decider, network) = (.cascade(.threshold), nil)
        case .predictor:
            let predictor = ResNet.Architecture(predictorWidths: [4, 4, 8, 8, 8])
            (decider, network) = (.network(inputSize: 40), predictor.makeNetwork(outputs: resolutions.count, resolutionCount: nil))
        case .learned:
            let head = DecisionHead(
                inputs: CascadeEvidence.vectorLength(features: features, classes: classes.count), hidden: 4)
            (decider, network) = (.cascade(.learned), head.makeNetwork(outputs: resolutions.count, resolutionCount: nil))
        }
        for (stream, network) in [classifier, network].compactMap({ $0 }).enumerated() { initialize(network, stream: stream) }
        calibrate(classifier)
        let model = DRNet(
            resolutions: resolutions, classifier: classifier, decider: decider, predictor: network, outputs: outputs,
            classCount: classes.count,
            evaluationViews: views)
        let frozen = FrozenDRNet(model)
        return ExportedNetwork(
            model: kind == .fixed ? frozen.withFixedResolution(1) : frozen, costWeight: 0.25, metadata: metadata(kind), description: "small"
        )
    }

    static var small: any NetworkArchitecture {
        ResNet.Architecture(bottleneck: false, blocks: [1, 1, 1, 1], stemWidth: 8, stageWidths: [8, 8, 16, 16])
    }

    /// Batch norms that are no identities, too.
    private static func initialize(_ network: Network, stream: Int) {
        network.arena.initialize(seed: 5, stream: stream)
        for (index, parameter) in (network.arena.parameters + network.arena.statistics).enumerated() where parameter.fileShape.count == 1 {
            for element in 0..<parameter.count { parameter.values[element] += 0.01 * Float((7 * index + 3 * element) % 11) }
        }
    }

    /// Gives each batch norm the statistics of some images at its resolution. With other ones, the activations of random networks vanish,
    /// and the logits hardly depend on the image.
    private static func calibrate(_ network: Network) {
        let statistics = StatisticsCollector(network.arena)
        for (index, resolution) in resolutions.enumerated() {
            let shape = Shape(batch: 6, height: resolution, width: resolution, channels: 3)
            let images = Tensor(shape, Formula.values("images", shape.count).map { 2 * $0 })
            do {
                _ = try network.forward(images, Pass(.training, resolutionIndex: index, statistics: statistics))
            } catch {
                preconditionFailure("the small network cannot be calibrated: \(error)")
            }
        }
        statistics.updateRunningStatistics(momentum: 1)
    }

    static func metadata(_ kind: Kind) -> ExportMetadata {
        let exactly = IntervalEstimate(exactly: 0.5)
        let costs = ImageCosts(classifier: [4, 2, 1], predictor: 0.5)
        return ExportMetadata(
            provenance: .init(
                program: "drnet 1.2.3", run: "run", checkpointStep: 7, weights: [:], architecture: "resnet18", data: "photos",
                trainingImages: 10, validationImages: 5, imageNames: "crc32:1"),
            classes: classes, resolutions: resolutions,
            chooser: kind == .fixed ? .fixed : kind == .threshold ? .thresholdCascade : .trained,
            resolution: kind == .fixed ? 48 : nil, costWeight: kind == .fixed ? nil : 0.25,
            preprocessing: .init(
                size: 64, resizeRatio: 1.143, views: [1, 1, 1], mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225]),
            input: "an image", costs: .init(gigaFLOPs: costs, milliseconds: nil, conditions: nil, unit: .multiplyAdds),
            expected: .init(
                images: 5, top1: 0.5, gigaFLOPs: 1, milliseconds: nil,
                crossFitted: .init(
                    top1: exactly, costShare: 1, overLargest: exactly, overRandomMix: exactly, overBestFixed: exactly)))
    }
}
