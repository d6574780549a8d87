import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

final class CascadeTests: XCTestCase {
    private let reference = ReferenceCase.resnet18
    private var last: Int { reference.resolutions.count - 1 }

    // MARK: - Decisions

    func testTheThresholdKeepsAnAnswerIfItsDoubtIsAtMostTheCostWeight() throws {
        let frozen = FrozenDRNet(reference.makeModel(head: .threshold))
        let images = reference.batch().images
        let logits = try frozen.classify(images, resolutionIndex: last)
        let doubts = stride(from: 0, to: logits.shape.count, by: ReferenceCase.classes).map { start in
            1 - Double(Logits.softmax(Array(logits.values[start..<start + ReferenceCase.classes]), columns: ReferenceCase.classes).max()!)
        }
        XCTAssertGreaterThan(doubts.max()! - doubts.min()!, 0.01, "the images must differ")
        let middle = doubts.sorted()[doubts.count / 2] + 1e-4
        for costWeight in [-3, 0, 1e-4, middle, 0.9, 1, 50] {
            let expected = doubts.map { $0 <= costWeight ? last : 0 }
            XCTAssertEqual(try frozen.route(images, costWeight: costWeight), expected, "λ = \(costWeight)")
        }
    }

    /// In single precision, 1 − p of two sure answers is the same number.
    func testSureAnswersStillDiffer() {
        let logits = Tensor(Shape(batch: 2, channels: 2), [20, 0, 22, 0])
        let doubts = CascadeEvidence.doubts(logits)
        XCTAssertGreaterThan(doubts[0], doubts[1])
        XCTAssertEqual(doubts[0], exp(-20), accuracy: 1e-12)
    }

    /// For any doubt and any λ, also one below 0, and whatever a resolution in between costs.
    func testTheThresholdLeavesOutTheResolutionsInBetween() {
        for between in [4, 3, 1.5, 1] {
            let costs = ImageCosts(classifier: [4, between, between, 1], predictor: 0, isCascade: true).relativeChoices
            for doubt in [0, 1e-9, 0.31, 0.99, 1] {
                let scores = CascadeEvidence.thresholdScores([doubt], resolutions: 4)
                for costWeight in [-5, -0.1, 1e-3, 0.3, 1.1, 2, 100] {
                    let choice = Router.choices(scores: scores, costs: costs, costWeight: costWeight)[0]
                    XCTAssertEqual(choice, doubt <= costWeight ? 3 : 0, "d = \(doubt), λ = \(costWeight), \(between)")
                }
            }
        }
    }

    func testTheAnswerOfTheDecisionIsThatOfTheSmallestResolution() throws {
        for head in CascadeHead.allCases {
            let frozen = FrozenDRNet(reference.makeModel(head: head))
            let images = reference.batch().images
            let answer = try XCTUnwrap(frozen.decide(images)?.smallest)
            XCTAssertEqual(answer.values, try frozen.classify(images, resolutionIndex: last).values)
        }
        XCTAssertNil(try FrozenDRNet(reference.makeModel()).decide(reference.batch().images)?.smallest, "the predictor classifies nothing")
    }

    func testALearnedHeadSeesFeaturesAndSortedProbabilities() throws {
        for outputs in [DecisionOutputs.policy, .losses] {
            let model = reference.makeModel(head: .learned, outputs: outputs)
            let images = reference.batch().images
            let pass = try model.classifier.forward(
                model.resizing(images, toResolution: last), Pass(.evaluation, resolutionIndex: last))
            let vectors = CascadeEvidence.vectors(pass)
            XCTAssertEqual(vectors.shape.channels, 16 + 5)
            let row = Array(vectors.values[16..<21])
            XCTAssertEqual(row, row.sorted(by: >))
            XCTAssertEqual(row.reduce(0) { $0 + exp(5 * $1) }, 1, accuracy: 1e-5, "all five classes")
            let values = try XCTUnwrap(model.predictor).forward(vectors, Pass(.evaluation)).output.values
            let expected = outputs == .policy ? Logits.logSoftmax(values, columns: 3) : values.map { -Double($0) }
            XCTAssertEqual(try FrozenDRNet(model).decide(images)?.scores, expected)
        }
    }

    func testACascadeByThresholdReplacesAnyDecider() throws {
        let images = reference.batch().images
        let expected = try FrozenDRNet(reference.makeModel(head: .threshold)).decide(images)?.scores
        let replaced = FrozenDRNet(reference.makeModel()).withThresholdCascade()
        XCTAssertEqual(try replaced.decide(images)?.scores, expected)
        XCTAssertTrue(replaced.costs.isCascade)
        XCTAssertEqual(replaced.flops.predictor, 0)
    }

    func testEveryImagePaysForTheSmallestResolution() {
        let costs = ImageCosts(classifier: [9, 4, 1], predictor: 0.5, isCascade: true)
        XCTAssertEqual(costs.choices, [10, 5, 1])
        XCTAssertEqual(costs.mean(shares: [0.5, 0.25, 0.25]), 0.5 + 5 + 1.25 + 0.25)
        XCTAssertEqual(costs.meanOfFixed(shares: [0.5, 0.25, 0.25]), 4.5 + 1 + 0.25)
        XCTAssertEqual(ImageCosts(classifier: [9, 4, 1], predictor: 0.5).choices, [9, 4, 1])
        let model = reference.makeModel(head: .learned)
        XCTAssertEqual(model.flops.choices[0], model.flops.classifier[0] + model.flops.classifier[last])
        // 21 inputs, 7 hidden units, 3 outputs.
        XCTAssertEqual(model.flops.predictor, 21 * 7 + 7 * 3)
    }

    // MARK: - Training

    /// The classifier's gradient has two parts: all images at the smallest resolution, and each other sub-batch at its own.
    func testAllImagesTrainTheClassifierAtTheSmallestResolution() throws {
        for estimator in [StraightThrough(), Expected(), Probe()] as [PolicyEstimator] {
            let model = reference.makeModel(head: .learned)
            let (step, batch) = (makeStep(model), reference.batch())
            let report = try step.fineTune([batch], globalCount: ReferenceCase.images, reference.options(estimator, model))
            let gradients = Array(model.classifier.arena.gradients)
            XCTAssertGreaterThan(report.routed.filter { $0 > 0 }.count, 1)
            XCTAssertEqual(report.classifications, 9 + report.routed.dropLast().reduce(0, +))

            let other = reference.makeModel(head: .learned)
            let (manual, choices) = (makeStep(other), decision(estimator, model).choices)
            var own = StepReport(resolutionCount: 3)
            for index in [last] + Array(0..<last) {
                let images = index == last ? Array(0..<9) : (0..<9).filter { choices[$0] == index }
                if images.isEmpty { continue }
                try manual.trainClassifier(batch, images: images, resolutionIndex: index, lossScale: 1 / 9, report: &own)
            }
            XCTAssertEqual(Array(other.classifier.arena.gradients), gradients, estimator.name)
        }
    }

    /// With several micro-batches, a first pass finds the routes. It leaves no trace in the statistics.
    func testEachImageEntersTheStatisticsOnceWithSeveralMicroBatches() throws {
        for head in [nil, CascadeHead.learned] {
            let model = reference.makeModel(head: head)
            let step = makeStep(model)
            _ = try step.fineTune(
                [reference.batch(0..<5), reference.batch(5..<9)], globalCount: ReferenceCase.images,
                reference.options(Expected(), model, .all))
            for (network, collector) in zip(model.networks, step.statistics) {
                var offset = 0
                for copy in network.arena.batchNormCopies {
                    let count = collector.sums[offset + 2 * copy.channels]
                    offset += 2 * copy.channels + 1
                    guard copy.name.hasPrefix("bn1") else { continue }
                    // The stem halves the sides.
                    let size = copy.name.split(separator: ".").last.flatMap { Int($0) }.map { model.resolutions[$0] } ?? 40
                    XCTAssertEqual(count, Double(9 * (size / 2) * (size / 2)), "\(copy.name), head \(String(describing: head))")
                }
            }
        }
    }

    /// No gradient flows from the head into the classifier: with another head, the classifier's gradient of the same routes is the same.
    func testRegressionTrainsTheClassifierAsWarmUpDoes() throws {
        for head in [nil, CascadeHead.learned] {
            let model = reference.makeModel(head: head)
            let (step, batch) = (makeStep(model), reference.batch())
            _ = try step.fineTune([batch], globalCount: ReferenceCase.images, reference.options(Regression(), model, .all))
            let gradients = Array(model.classifier.arena.gradients)
            let other = reference.makeModel(head: head)
            _ = try makeStep(other).warmUp([batch], globalCount: ReferenceCase.images)
            XCTAssertLessThan(relativeDifference(Array(other.classifier.arena.gradients), gradients), 1e-6)
            XCTAssertTrue(model.predictor!.arena.gradients.contains { $0 != 0 })
        }
    }

    private func makeStep(_ model: DRNet) -> TrainingStep {
        TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
    }

    /// The decision of the step, computed again.
    private func decision(_ estimator: PolicyEstimator, _ model: DRNet) -> PolicyDecision {
        let (batch, options) = (reference.batch(), reference.options(estimator, model))
        guard
            let pass = try? model.classifier.forward(
                model.resizing(batch.images, toResolution: last), Pass(.training, resolutionIndex: last)),
            let logits = try? model.predictor?.forward(CascadeEvidence.vectors(pass), Pass(.evaluation)).output.values
        else { preconditionFailure("the networks failed") }
        return estimator.decide(
            PolicyInput(logits: logits, noise: options.noise(batch), temperature: options.temperature, columns: 3))
    }
}
