import Communication
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Compares a step on several ranks (threads) with the same step on one rank.
final class DistributedStepTests: XCTestCase {
    private final class Reducer: StatisticsReducer {
        let communicator: Communicator
        init(_ communicator: Communicator) { self.communicator = communicator }
        func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
            try communicator.allReduceSum(values, label: label)
        }
    }

    /// The results of a step, summed over the ranks.
    private struct Sums {
        var gradients: [Float] = []
        /// The sums that batch norms add to their running statistics.
        var statistics: [Float] = []
        var report = StepReport(resolutionCount: 3)
    }

    /// - Parameter microBatches: the micro-batches of each rank.
    private func step(
        _ estimator: PolicyEstimator, _ images: BatchNormImages = .routed, microBatches: [[Range<Int>]], globalBatchNorm: Bool = true,
        head: CascadeHead? = nil, changing change: @escaping (inout FineTuneOptions) -> Void = { _ in }
    ) throws -> Sums {
        try sums(microBatches, globalBatchNorm: globalBatchNorm, head: head) { step, model, batches in
            var options = ReferenceCase.resnet18.options(estimator, model, images)
            change(&options)
            return try step.fineTune(batches, globalCount: ReferenceCase.images, options)
        }
    }

    private func sums(
        _ microBatches: [[Range<Int>]], globalBatchNorm: Bool = true, head: CascadeHead? = nil, mixesAndTeaches: Bool = false,
        _ body: @escaping (TrainingStep, DRNet, [MicroBatch]) throws -> StepReport
    ) throws -> Sums {
        let reference = ReferenceCase.resnet18
        let lock = NSLock()
        var result = Sums()
        try InMemoryCommunicator.run(rankCount: microBatches.count) { communicator in
            let model = reference.makeModel(head: head)
            let loss = ClassificationLoss(
                labelSmoothing: 0.1, classWeights: mixesAndTeaches ? [0.5, 2, 1, 0.7, 1.3] : [],
                distillation: mixesAndTeaches ? TeacherDistillation(weight: 0.4, temperature: 3) : nil)
            let step = TrainingStep(
                model: model, ranks: communicator.rankCount > 1 ? Reducer(communicator) : nil,
                globalBatchNorm: globalBatchNorm, loss: loss,
                teacher: mixesAndTeaches ? Teacher(reference.makeTeacher(), inputSize: 64, imageSize: reference.resolutions[0]) : nil)
            var own = Sums()
            own.report = try body(
                step, model,
                microBatches[communicator.rank].map { mixesAndTeaches ? reference.mixedBatch($0) : reference.batch($0) })
            own.gradients = model.networks.flatMap { Array($0.arena.gradients) }
            var statistics = step.statistics.flatMap(\.sums)
            try communicator.allReduceSum(&own.gradients, label: "gradients")
            try communicator.allReduceSum(&statistics, label: "statistics")
            own.statistics = statistics.map { Float($0) }
            var vector = own.report.vector
            try communicator.allReduceSum(&vector, label: "report")
            own.report.vector = vector
            if communicator.rank == 0 { lock.withLock { result = own } }
        }
        return result
    }

    /// Splits images into one micro-batch per rank.
    private func split(_ images: Range<Int>, at cuts: [Int]) -> [Range<Int>] {
        zip([images.lowerBound] + cuts, cuts + [images.upperBound]).map { $0..<$1 }
    }

    private func assertEqual(_ several: Sums, _ one: Sums, _ what: String) {
        XCTAssertLessThan(relativeDifference(several.gradients, one.gradients), 1e-4, what)
        XCTAssertLessThan(relativeDifference(several.statistics, one.statistics), 1e-4, what)
        XCTAssertEqual(several.report.routed, one.report.routed, what)
        XCTAssertEqual(several.report.lossSum, one.report.lossSum, accuracy: 1e-4 * one.report.lossSum, what)
        XCTAssertEqual(several.report.penaltySum, one.report.penaltySum, accuracy: 1e-5, what)
        XCTAssertEqual(several.report.entropySum, one.report.entropySum, accuracy: 1e-5, what)
        XCTAssertEqual(several.report.distillationSum, one.report.distillationSum, accuracy: 1e-4, what)
    }

    func testAnySplitGivesTheSameGradientsWithGlobalBatchNorm() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                let one = try step(estimator, images, microBatches: [[0..<9]], head: head)
                XCTAssertGreaterThan(one.report.routed.filter { $0 > 0 }.count, 1, "the decider must choose several resolutions")
                // Even splits, uneven splits (some ranks have empty sub-batches), and a rank without images.
                for cuts in [[4], [3, 6], [1, 2], [0], [9, 9]] {
                    let several = try step(estimator, images, microBatches: split(0..<9, at: cuts).map { [$0] }, head: head)
                    assertEqual(several, one, "\(name), head \(String(describing: head)), cut at \(cuts)")
                }
            }
        }
    }

    func testAnySplitOfMicroBatchesGivesTheSameGradients() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                let one = try step(estimator, images, microBatches: [[0..<5, 5..<9]], head: head)
                for (first, second) in [([2], [7]), ([5], [5]), ([0, 3], [6, 9])] {
                    let parts = zip(split(0..<5, at: first), split(5..<9, at: second)).map { [$0, $1] }
                    let several = try step(estimator, images, microBatches: parts, head: head)
                    assertEqual(several, one, "\(name), head \(String(describing: head)), cut at \(first) and \(second)")
                }
            }
        }
    }

    func testPolicyTermsAndMultiplierUseTheGlobalBatch() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            func sums(_ microBatches: [[Range<Int>]], balance: Double) throws -> Sums {
                try step(estimator, images, microBatches: microBatches) {
                    $0.policyTerms = PolicyTerms(balanceWeight: balance, entropyWeight: 0.1)
                    $0.regularizer.penalty = .lagrangian
                }
            }
            let one = try sums([[0..<9]], balance: 0.5)
            assertEqual(try sums([[0..<2], [2..<9], [9..<9]], balance: 0.5), one, name)
            assertEqual(try sums([[0..<2, 5..<6], [2..<5, 6..<9]], balance: 0.5), try sums([[0..<5, 5..<9]], balance: 0.5), name)
            XCTAssertGreaterThan(
                relativeDifference(try sums([[0..<9]], balance: 0).gradients, one.gradients), 1e-4, "negative control")
        }
    }

    func testDistillationIsLocalToAnImage() throws {
        func sums(_ microBatches: [[Range<Int>]], weight: Double, globalBatchNorm: Bool = true) throws -> Sums {
            try self.sums(microBatches, globalBatchNorm: globalBatchNorm) { step, _, batches in
                try step.warmUp(batches, globalCount: ReferenceCase.images, distillation: InPlaceDistillation(weight: weight))
            }
        }
        let one = try sums([[0..<9]], weight: 1.5)
        XCTAssertGreaterThan(one.report.distillationSum, 0.1)
        for cuts in [[4], [1, 2], [0], [9, 9]] {
            assertEqual(try sums(split(0..<9, at: cuts).map { [$0] }, weight: 1.5), one, "cut at \(cuts)")
        }
        assertEqual(try sums([[0..<2, 5..<6], [2..<5, 6..<9]], weight: 1.5), try sums([[0..<5, 5..<9]], weight: 1.5), "micro-batches")
        XCTAssertGreaterThan(relativeDifference(try sums([[0..<9]], weight: 1.2).gradients, one.gradients), 1e-3, "negative control")
        let local = try sums([[0..<4], [4..<9]], weight: 1.5, globalBatchNorm: false)
        XCTAssertGreaterThan(relativeDifference(local.gradients, one.gradients), 1e-2, "negative control")
    }

    /// Mixed labels, class weights and a teacher belong to an image.
    func testAnySplitGivesTheSameGradientsWithMixedLabelsWeightsAndATeacher() throws {
        func fineTune(_ microBatches: [[Range<Int>]], _ estimator: PolicyEstimator, _ images: BatchNormImages) throws -> Sums {
            try sums(microBatches, mixesAndTeaches: true) { step, model, batches in
                try step.fineTune(
                    batches, globalCount: ReferenceCase.images, ReferenceCase.resnet18.options(estimator, model, images))
            }
        }
        for (name, estimator, images) in ReferenceCase.estimators {
            let one = try fineTune([[0..<9]], estimator, images)
            XCTAssertGreaterThan(one.report.distillationSum, 0.1)
            for cuts in [[4], [1, 2], [0], [9, 9]] {
                assertEqual(try fineTune(split(0..<9, at: cuts).map { [$0] }, estimator, images), one, "\(name) cut at \(cuts)")
            }
            assertEqual(
                try fineTune([[0..<2, 5..<6], [2..<5, 6..<9]], estimator, images), try fineTune([[0..<5, 5..<9]], estimator, images),
                "\(name), micro-batches")
            let plain = try step(estimator, images, microBatches: [[0..<9]])
            XCTAssertGreaterThan(relativeDifference(plain.gradients, one.gradients), 1e-2, "negative control")
        }
        func warmUp(_ microBatches: [[Range<Int>]]) throws -> Sums {
            try sums(microBatches, mixesAndTeaches: true) { step, _, batches in
                try step.warmUp(batches, globalCount: ReferenceCase.images, distillation: InPlaceDistillation(weight: 1.5))
            }
        }
        let one = try warmUp([[0..<9]])
        for cuts in [[4], [1, 2], [0], [9, 9]] {
            assertEqual(try warmUp(split(0..<9, at: cuts).map { [$0] }), one, "warm-up cut at \(cuts)")
        }
    }

    func testAnySplitGivesTheSameGradientsWithAFrozenPart() throws {
        for frozen in [FrozenPart.classifier, .predictor] {
            for (name, estimator, images) in ReferenceCase.estimators {
                for head in [nil, CascadeHead.learned] {
                    let change = { (options: inout FineTuneOptions) in options.frozen = frozen }
                    let one = try step(estimator, images, microBatches: [[0..<5, 5..<9]], head: head, changing: change)
                    let several = try step(
                        estimator, images, microBatches: [[0..<5, 5..<5], [5..<5, 5..<7], [5..<5, 7..<9]], head: head, changing: change)
                    assertEqual(several, one, "\(name), frozen \(frozen), head \(String(describing: head))")
                }
            }
        }
    }

    func testLocalBatchNormGivesOtherGradients() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            let one = try step(estimator, images, microBatches: [[0..<9]])
            let several = try step(estimator, images, microBatches: [[0..<4], [4..<9]], globalBatchNorm: false)
            XCTAssertGreaterThan(relativeDifference(several.gradients, one.gradients), 1e-2, name)
        }
    }

    func testForwardOnlyPassesDoNotChangeTheStatistics() throws {
        let published = try step(StraightThrough(), microBatches: [[0..<9]])
        for estimator in [Expected(), Probe()] as [PolicyEstimator] {
            XCTAssertEqual(try step(estimator, microBatches: [[0..<9]]).statistics, published.statistics, estimator.name)
        }
        let all = try step(Dense(), .all, microBatches: [[0..<9]])
        XCTAssertEqual(
            try step(Expected(), .all, microBatches: [[0..<9]]).statistics, all.statistics, "only these passes are recorded")
        XCTAssertNotEqual(all.statistics, published.statistics, "negative control")
    }

    func testMicroBatchesUseTheHingeOfTheWholeBatch() throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
        let options = reference.options(StraightThrough(), model)
        let whole = try step.fineTune([reference.batch()], globalCount: ReferenceCase.images, options)
        let parts = try step.fineTune(
            [reference.batch(0..<3), reference.batch(3..<9)], globalCount: ReferenceCase.images, options)
        // The predictor normalises each micro-batch separately, but the noise determines the routes here.
        XCTAssertEqual(parts.routed, whole.routed)
        XCTAssertEqual(parts.penaltySum, whole.penaltySum, accuracy: 1e-9)
        XCTAssertEqual(parts.images, whole.images)
    }

    /// Counts the passes with a live pullback.
    private final class KeptPasses: @unchecked Sendable {
        final class Kept {
            private let passes: KeptPasses
            init(_ passes: KeptPasses) {
                self.passes = passes
                passes.kept += 1
                passes.mostKept = max(passes.mostKept, passes.kept)
            }
            deinit { passes.kept -= 1 }
        }

        private(set) var kept = 0
        private(set) var mostKept = 0
    }

    private struct CountingArchitecture: NetworkArchitecture {
        let architecture: any NetworkArchitecture
        let passes: KeptPasses
        func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            CountingLayers(layers: architecture.makeLayers(builder), passes: passes)
        }
    }

    private final class CountingLayers: NetworkLayers {
        private let layers: any NetworkLayers
        private let passes: KeptPasses

        init(layers: any NetworkLayers, passes: KeptPasses) {
            self.layers = layers
            self.passes = passes
        }

        func layerCosts(_ input: Shape) -> [LayerCost] { layers.layerCosts(input) }
        func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
            let result = try layers.forward(images, pass)
            let kept = KeptPasses.Kept(passes)
            return NetworkForward(result.output, features: result.features) { gradient in
                try withExtendedLifetime(kept) { try result.pullback!(gradient) }
            }
        }
    }

    func testOnlyOneMicroBatchAtATimeKeepsPredictorActivations() throws {
        let reference = ReferenceCase.resnet18
        let original = reference.makeModel()
        let passes = KeptPasses()
        var definition = original.predictor!.definition
        definition.architecture = CountingArchitecture(architecture: definition.architecture, passes: passes)
        let predictor = Network(definition)
        predictor.copyValues(from: original.predictor!)
        let model = DRNet(
            resolutions: original.resolutions, classifier: original.classifier, predictor: predictor,
            predictorInputSize: original.predictorInputSize, classCount: original.classCount)
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
        _ = try step.fineTune(
            [0..<3, 3..<6, 6..<9].map { reference.batch($0) }, globalCount: ReferenceCase.images, reference.options(Expected(), model))
        XCTAssertEqual(passes.mostKept, 1)
        XCTAssertEqual(passes.kept, 0)
        XCTAssertTrue(predictor.arena.gradients.contains { $0 != 0 }, "the predictor has no gradient")
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
