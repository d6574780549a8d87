import Kernels
import NeuralNetwork
import TestSupport

@testable import DynamicResolution

/// The networks and the batch of Tests/Fixtures/make_fixtures.py.
struct ReferenceCase {
    static let resnet18 = ReferenceCase(
        architecture: .init(bottleneck: false, blocks: [2, 2, 2, 2], stemWidth: 6, stageWidths: [6, 8, 12, 16]),
        resolutions: [96, 64, 48])
    static let bottleneck = ReferenceCase(
        architecture: .init(bottleneck: true, blocks: [2, 2, 2, 2], stemWidth: 6, stageWidths: [3, 4, 5, 6]),
        resolutions: [80, 64])
    static let images = 9
    static let classes = 5

    let architecture: ResNet.Architecture
    let resolutions: [Int]

    /// - Parameter head: nil for the published predictor.
    func makeModel(head: CascadeHead? = nil, outputs: DecisionOutputs = .policy) -> DRNet {
        if let head { return makeCascade(head, outputs) }
        let classifier = architecture.makeNetwork(outputs: Self.classes, resolutionCount: resolutions.count)
        let predictor = ResNet.Architecture(predictorWidths: [4, 4, 6, 8, 10]).makeNetwork(
            outputs: resolutions.count, resolutionCount: nil)
        fill(classifier, "classifier.")
        fill(predictor, "predictor.")
        return DRNet(
            resolutions: resolutions, classifier: classifier, predictor: predictor, predictorInputSize: 40,
            classCount: Self.classes)
    }

    private func makeCascade(_ head: CascadeHead, _ outputs: DecisionOutputs) -> DRNet {
        let classifier = architecture.makeNetwork(outputs: Self.classes, resolutionCount: resolutions.count)
        fill(classifier, "classifier.")
        guard head == .learned else {
            return DRNet(
                resolutions: resolutions, classifier: classifier, decider: .cascade(.threshold), predictor: nil, classCount: Self.classes)
        }
        let inputs = CascadeEvidence.vectorLength(features: classifier.definition.featureCount, classes: Self.classes)
        let network = DecisionHead(inputs: inputs, hidden: 7).makeNetwork(outputs: resolutions.count, resolutionCount: nil)
        fill(network, "head.")
        return DRNet(
            resolutions: resolutions, classifier: classifier, decider: .cascade(.learned), predictor: network, outputs: outputs,
            classCount: Self.classes)
    }

    /// The teacher of make_loss_fixtures.py, with plain batch norms.
    func makeTeacher() -> Network {
        let network = architecture.makeNetwork(outputs: Self.classes, resolutionCount: nil)
        fill(network, "teacher.")
        return network
    }

    /// Fills a network like `Network.fill` in drnet_reference.py.
    private func fill(_ network: Network, _ prefix: String) {
        for parameter in network.arena.parameters + network.arena.statistics {
            let values = Formula.values(prefix + parameter.name, parameter.count)
            if parameter.fileShape.count > 1 {
                let scale = (3 / Double(parameter.count / parameter.fileShape[0])).squareRoot()
                parameter.setFileValues(values.map { Float(Double($0) * scale) })
            } else if parameter.name.hasSuffix("running_mean") || parameter.name.hasSuffix("bias") {
                parameter.setFileValues(values.map { Float(0.1 * Double($0)) })
            } else {
                parameter.setFileValues(values.map { Float(1 + 0.25 * Double($0)) })
            }
        }
    }

    /// Returns the images `which` of the batch.
    func batch(_ which: Range<Int> = 0..<images, _ context: KernelContext = .test) -> MicroBatch {
        let size = resolutions[0]
        let imageFloats = size * size * 3
        let all = Formula.values("images", Self.images * imageFloats)
        return MicroBatch(
            images: Tensor(
                Shape(batch: which.count, height: size, width: size, channels: 3),
                Array(all[which.lowerBound * imageFloats..<which.upperBound * imageFloats]), context),
            labels: which.map { Int32($0 * 3 % Self.classes) }, sampleIndices: Array(which))
    }

    /// The same images with two labels each, as in make_loss_fixtures.py: the shares of the second are 0 … 1.
    func mixedBatch(_ which: Range<Int> = 0..<images, _ context: KernelContext = .test) -> MicroBatch {
        var batch = batch(which, context)
        batch.partnerLabels = which.map { Int32($0 * 2 % Self.classes) }
        batch.partnerShares = which.map { Float($0) / Float(Self.images - 1) }
        return batch
    }

    /// Every estimator with its supported choices of images for the batch norms.
    static let estimators: [(name: String, estimator: PolicyEstimator, images: BatchNormImages)] = [
        ("straight-through", StraightThrough(), .routed), ("dense", Dense(), .all), ("expected", Expected(), .routed),
        ("expected-all", Expected(), .all), ("probe", Probe(), .routed), ("regression", Regression(), .all),
    ]

    func options(_ estimator: PolicyEstimator, _ model: DRNet, _ images: BatchNormImages = .routed) -> FineTuneOptions {
        let columns = resolutions.count
        let all = Formula.values("noise", Self.images * columns)
        return FineTuneOptions(
            estimator: estimator,
            regularizer: FLOPsRegularizer(weight: 0.8, target: 0.3 * model.flops.largest, costs: model.flops.choices),
            temperature: 0.7, batchNormImages: images,
            noise: { batch in
                PolicyNoise(
                    gumbel: batch.sampleIndices.flatMap { index in
                        (0..<columns).map { 0.3 * all[index * columns + $0] + (index % columns == $0 ? 3 : 0) }
                    },
                    probes: batch.sampleIndices.map { $0 / columns % (columns - 1) })
            })
    }
}

extension TrainingStep {
    /// A step whose loss is the cross entropy of one label.
    init(model: DRNet, ranks: StatisticsReducer?, globalBatchNorm: Bool, labelSmoothing: Float) {
        self.init(
            model: model, ranks: ranks, globalBatchNorm: globalBatchNorm, loss: ClassificationLoss(labelSmoothing: labelSmoothing))
    }
}
