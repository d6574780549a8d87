import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

final class FrozenPartTests: XCTestCase {
    private let reference = ReferenceCase.resnet18

    private func makeStep(_ model: DRNet) -> TrainingStep {
        TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
    }

    func testOutcomesOfAFrozenClassifierMatchEvaluation() throws {
        let model = reference.makeModel()
        let (step, batch) = (makeStep(model), reference.batch())
        let (classes, count) = (ReferenceCase.classes, ReferenceCase.images)
        let decision = PolicyDecision(
            choices: (0..<count).map { $0 % 3 }, probes: (0..<count).map { ($0 + 1) % 3 },
            costWeights: [Float](repeating: 1 / 3, count: 3 * count), policy: [Float](repeating: 1 / 3, count: 3 * count))
        let frozen = FrozenDRNet(model)
        let logits = try (0..<3).map { try frozen.classify(batch.images, resolutionIndex: $0).values }
        func row(_ image: Int, _ index: Int) -> ArraySlice<Float> { logits[index][classes * image..<classes * (image + 1)] }
        for computed in [ComputedResolutions.chosen, .chosenAndProbe, .chosenAndLosses, .all, .everyLoss] {
            var outcome = PolicyOutcome(images: count, costGradient: [0, 0, 0], globalCount: count)
            var report = StepReport(resolutionCount: 3)
            let routed = RoutedBatch(
                batch: batch, decision: decision, chosen: [3, 3, 3], probed: [3, 3, 3],
                work: RoutedWork(decision, resolutionCount: 3, isCascade: false))
            try step.classifyFrozen(routed, computed, into: &outcome, report: &report)
            XCTAssertEqual(report.classifications, Double(count))
            for image in 0..<count {
                let (label, choice) = (Int(batch.labels[image]), image % 3)
                // (p − q) / N at the chosen resolution.
                let chosen = row(image, choice).map { exp(Double($0)) }
                let slopes = chosen.enumerated().map {
                    ($1 / chosen.reduce(0, +) - 0.1 / Double(classes) - ($0 == label ? 0.9 : 0)) / Double(count)
                }
                for index in 0..<3 {
                    let isNeeded =
                        index == choice || computed == .chosenAndLosses || computed == .all || computed == .everyLoss
                        || computed == .chosenAndProbe && index == (image + 1) % 3
                    let scores = row(image, index).map { Double($0) }
                    let logSum = log(scores.reduce(0) { $0 + exp($1) })
                    let loss = 0.9 * (logSum - scores[label]) + 0.1 * (logSum - scores.reduce(0, +) / Double(classes))
                    let gate = zip(slopes, scores).reduce(0) { $0 + $1.0 * $1.1 }
                    XCTAssertEqual(
                        Double(outcome.losses[3 * image + index]), isNeeded ? loss : 0, accuracy: 1e-4, "\(computed) \(image) \(index)")
                    XCTAssertEqual(
                        Double(outcome.gateGradients[3 * image + index]), isNeeded ? gate : 0, accuracy: 1e-5,
                        "\(computed) \(image) \(index)")
                }
            }
        }
    }

    func testAFrozenClassifierGetsNoGradientAndNoStatistics() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                let model = reference.makeModel(head: head)
                var options = reference.options(estimator, model, images)
                options.frozen = .classifier
                let step = makeStep(model)
                _ = try step.fineTune([reference.batch(0..<5), reference.batch(5..<9)], globalCount: ReferenceCase.images, options)
                XCTAssertTrue(model.classifier.arena.gradients.allSatisfy { $0 == 0 }, name)
                XCTAssertTrue(step.statistics[0].sums.allSatisfy { $0 == 0 }, name)
                XCTAssertFalse(model.predictor!.arena.gradients.allSatisfy { $0 == 0 }, name)
                // A head has no batch norms.
                XCTAssertEqual(step.statistics[1].sums.allSatisfy { $0 == 0 }, head != nil, name)
            }
        }
    }

    /// With `.routed`, `Expected` computes its losses in evaluation mode. Freezing the classifier does not change them.
    func testPredictorGradientsAreTheSameWithAFrozenClassifier() throws {
        func gradients(_ frozen: FrozenPart) throws -> [Float] {
            let model = reference.makeModel()
            var options = reference.options(Expected(), model)
            options.frozen = frozen
            _ = try makeStep(model).fineTune([reference.batch()], globalCount: ReferenceCase.images, options)
            return withExtendedLifetime(model) { Array(model.predictor!.arena.gradients) }
        }
        XCTAssertTrue(try gradients(.classifier) == gradients(.none))
    }

    func testAFrozenPredictorRoutesLikeEvaluationAndGetsNoGradient() throws {
        let model = reference.makeModel()
        let (step, batch) = (makeStep(model), reference.batch())
        let statistics = StatisticsCollector(model.predictor!.arena)
        _ = try model.predictor!.forward(model.imagesForPredictor(batch.images), Pass(.training, statistics: statistics))
        statistics.updateRunningStatistics(momentum: 1)
        // Subtract the column means. Columns with mean 0 cannot all have their maximum at the same resolution.
        let answers = try XCTUnwrap(FrozenDRNet(model).decide(batch.images)).scores
        let bias = try XCTUnwrap(model.predictor!.arena.parameters.first { $0.name == "fc.bias" })
        for (index, answer) in answers.enumerated() { bias.values[index % 3] -= Float(answer) / Float(ReferenceCase.images) }
        let routes = try FrozenDRNet(model).route(batch.images)
        XCTAssertGreaterThan(Set(routes).count, 1)
        for estimator in [Expected(), StraightThrough(), Probe()] as [PolicyEstimator] {
            var options = reference.options(estimator, model)
            options.frozen = .predictor
            model.classifier.arena.clearGradients()
            let report = try step.fineTune([batch], globalCount: ReferenceCase.images, options)
            XCTAssertEqual(report.routed, (0..<3).map { index in Double(routes.filter { $0 == index }.count) })
            XCTAssertTrue(model.predictor!.arena.gradients.allSatisfy { $0 == 0 })
            XCTAssertTrue(step.statistics[1].sums.allSatisfy { $0 == 0 })
            let gradients = Array(model.classifier.arena.gradients)
            // The classifier's gradients come from its sub-batches only.
            model.classifier.arena.clearGradients()
            var own = StepReport(resolutionCount: 3)
            for index in 0..<3 where routes.contains(index) {
                try step.trainClassifier(
                    batch, images: routes.indices.filter { routes[$0] == index }, resolutionIndex: index,
                    lossScale: 1 / Float(ReferenceCase.images), report: &own)
            }
            XCTAssertTrue(gradients == Array(model.classifier.arena.gradients), estimator.name)
            XCTAssertEqual(report.lossSum, own.lossSum)
        }
    }
}
