import Communication
import NeuralNetwork
import TestSupport
import XCTest
@testable import DynamicResolution

/// The step on several ranks (threads) against the step on one.
final class DistributedStepTests: XCTestCase {
    private final class Reducer: StatisticsReducer {
        let communicator: Communicator
        init(_ communicator: Communicator) { self.communicator = communicator }
        func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
            try communicator.allReduceSum(values, label: label)
        }
    }

    /// The summed gradients and report of a step whose images are split at `cuts`.
    private func gradients(
        _ estimator: PolicyEstimator, cuts: [Int], globalBatchNorm: Bool = true
    ) throws -> (values: [Float], report: StepReport) {
        let reference = ReferenceCase.resnet18
        let bounds = [0] + cuts + [ReferenceCase.images]
        let lock = NSLock()
        var sums: [Float] = []
        var reports: [StepReport] = []
        try InMemoryCommunicator.run(rankCount: bounds.count - 1) { communicator in
            let model = reference.makeModel()
            let step = TrainingStep(
                model: model, ranks: communicator.rankCount > 1 ? Reducer(communicator) : nil,
                globalBatchNorm: globalBatchNorm, labelSmoothing: 0.1)
            var report = try step.fineTune(
                [reference.batch(bounds[communicator.rank]..<bounds[communicator.rank + 1])],
                globalCount: ReferenceCase.images, reference.options(estimator, model))
            var own = model.networks.flatMap { Array($0.arena.gradients) }
            try communicator.allReduceSum(&own, label: "gradients")
            var vector = report.vector
            try communicator.allReduceSum(&vector, label: "report")
            report.vector = vector
            lock.withLock {
                sums = own
                reports.append(report)
            }
        }
        return (sums, reports[0])
    }

    func testAnySplitGivesTheSameGradientsWithGlobalBatchNorm() throws {
        for estimator in [StraightThrough(), Expected()] as [PolicyEstimator] {
            let one = try gradients(estimator, cuts: [])
            // Even, uneven (sub-batches are empty on some ranks), and a rank without any image.
            for cuts in [[4], [3, 6], [1, 2], [0], [9, 9]] {
                let several = try gradients(estimator, cuts: cuts)
                XCTAssertLessThan(relativeDifference(several.values, one.values), 1e-4, "\(estimator.name) cut at \(cuts)")
                XCTAssertEqual(several.report.routed, one.report.routed)
                XCTAssertEqual(several.report.lossSum, one.report.lossSum, accuracy: 1e-4 * one.report.lossSum)
                XCTAssertEqual(several.report.penaltySum, one.report.penaltySum, accuracy: 1e-6)
            }
        }
    }

    func testLocalBatchNormDiffersWhichShowsThatTheComparisonCanFail() throws {
        let one = try gradients(Expected(), cuts: [])
        let several = try gradients(Expected(), cuts: [4], globalBatchNorm: false)
        XCTAssertGreaterThan(relativeDifference(several.values, one.values), 1e-2)
    }

    func testMicroBatchesKeepTheHingeOfTheWholeBatch() throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
        let options = reference.options(StraightThrough(), model)
        let whole = try step.fineTune([reference.batch()], globalCount: ReferenceCase.images, options)
        let parts = try step.fineTune(
            [reference.batch(0..<3), reference.batch(3..<9)], globalCount: ReferenceCase.images, options)
        // The predictor normalises each micro-batch by itself, but the noise decides the routes here.
        XCTAssertEqual(parts.routed, whole.routed)
        XCTAssertEqual(parts.penaltySum, whole.penaltySum, accuracy: 1e-9)
        XCTAssertEqual(parts.images, whole.images)
    }

    /// A predictor that counts what passes keep for their way back.
    private final class CountingPredictor: Network {
        private final class Kept {
            let predictor: CountingPredictor
            init(_ predictor: CountingPredictor) {
                self.predictor = predictor
                predictor.kept += 1
                predictor.mostKept = max(predictor.mostKept, predictor.kept)
            }
            deinit { predictor.kept -= 1 }
        }

        private let network: Network
        private(set) var kept = 0
        private(set) var mostKept = 0

        init(_ network: Network) { self.network = network }

        var arena: ParameterArena { network.arena }
        var batchNorms: [ResolutionAwareBatchNorm] { network.batchNorms }
        func trace(_ shape: Shape, into costs: inout [LayerCost]) { network.trace(shape, into: &costs) }
        func forward(_ images: Tensor, _ pass: Pass) throws -> Forward {
            let result = try network.forward(images, pass)
            let kept = Kept(self)
            return Forward(result.output) { gradient in
                try withExtendedLifetime(kept) { try result.pullback!(gradient) }
            }
        }
    }

    func testOnlyOneMicroBatchKeepsThePredictorsActivations() throws {
        let reference = ReferenceCase.resnet18
        let original = reference.makeModel()
        let predictor = CountingPredictor(original.predictor!)
        let model = DRNet(
            resolutions: original.resolutions, classifier: original.classifier, predictor: predictor,
            predictorInputSize: original.predictorInputSize, classCount: original.classCount)
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
        _ = try step.fineTune(
            [0..<3, 3..<6, 6..<9].map { reference.batch($0) }, globalCount: ReferenceCase.images, reference.options(Expected(), model))
        XCTAssertEqual(predictor.mostKept, 1)
        XCTAssertEqual(predictor.kept, 0)
        XCTAssertTrue(predictor.arena.gradients.contains { $0 != 0 }, "the way back is gone")
    }

    func testWarmUpTrainsEveryResolutionOnEveryImage() throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
        let report = try step.warmUp([reference.batch()], globalCount: ReferenceCase.images)
        XCTAssertEqual(report.classifications, Double(3 * ReferenceCase.images))
        for parameter in model.classifier.arena.parameters {
            let sum = parameter.fileGradient().reduce(0) { $0 + abs($1) }
            XCTAssertTrue(sum > 0 && sum.isFinite, parameter.name)
        }
        XCTAssertTrue(model.predictor!.arena.gradients.allSatisfy { $0 == 0 })
    }
}
