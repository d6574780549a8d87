import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

final class DistillationTests: XCTestCase {
    /// The logits of three resolutions for four classes.
    private let logits: [[Double]] = [[1.5, -0.3, 0.2, 0.9], [0.1, 0.8, -1.2, 0.4], [-0.6, 0.3, 2.1, 0]]

    private func softmax(_ scores: [Double]) -> [Double] {
        let exponentials = scores.map { exp($0) }
        return exponentials.map { $0 / exponentials.reduce(0, +) }
    }

    /// The paper's formula, with fixed teachers.
    private func reference(_ logits: [[Double]], teachers: [[Double]], weight: Double) -> Double {
        func divergence(_ p: [Double], _ q: [Double]) -> Double { zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) } }
        let ensemble = softmax((0..<4).map { index in teachers.reduce(0) { $0 + $1[index] } / 3 })
        var sum = 0.0
        for (j, scores) in logits.enumerated() {
            sum += divergence(ensemble, softmax(scores))
            for k in 0..<j { sum += divergence(softmax(teachers[k]), softmax(scores)) }
        }
        return weight * 2 / 4 * sum
    }

    private func terms(_ logits: [[Double]], weight: Double, scale: Float, startingAt start: Float = 0) -> (
        value: Double, slopes: [[Float]]
    ) {
        let shape = Shape(batch: 3, channels: 4)
        let scores = Tensor(shape, logits.flatMap { $0.map { Float($0) } })
        let slopes = Tensor(shape, [Float](repeating: start, count: 12))
        let value = InPlaceDistillation(weight: weight).addTerms(
            (0..<3).map { UnsafePointer(scores.image($0)) }, classes: 4, scale: scale, to: (0..<3).map { slopes.image($0) })
        return (value, (0..<3).map { Array(slopes.values[4 * $0..<4 * $0 + 4]) })
    }

    func testTermsMatchTheFormula() {
        for weight in [0.5, 2] {
            let expected = reference(logits, teachers: logits, weight: weight)
            XCTAssertEqual(terms(logits, weight: weight, scale: 1).value, expected, accuracy: 1e-6)
        }
        let equal = [logits[0], logits[0], logits[0]]
        XCTAssertEqual(terms(equal, weight: 1, scale: 1).value, 0, accuracy: 1e-6, "equal logits have no divergence")
    }

    func testGradientsMatchCentralDifferencesWithFixedTeachers() {
        let (scale, step) = (Float(0.25), 1e-5)
        let slopes = terms(logits, weight: 1.5, scale: scale, startingAt: 7).slopes
        for j in 0..<3 {
            for index in 0..<4 {
                func shifted(_ by: Double) -> Double {
                    var moved = logits
                    moved[j][index] += by
                    return reference(moved, teachers: logits, weight: 1.5)
                }
                let expected = Double(scale) * (shifted(step) - shifted(-step)) / (2 * step)
                XCTAssertEqual(Double(slopes[j][index]) - 7, expected, accuracy: 2e-6, "resolution \(j), class \(index)")
            }
        }
    }

    func testLargeLogitsGiveFiniteResults() {
        let result = terms([[200, -200, 0, 0], [-200, 200, 0, 0], [0, 0, 0, 0]], weight: 1, scale: 1)
        XCTAssertTrue(result.value.isFinite && result.slopes.joined().allSatisfy(\.isFinite))
    }

    /// Compares a step with PyTorch (Tests/Fixtures/drnet_reference.py, `warm_up`).
    func testAWarmUpStepWithDistillationMatchesPyTorch() throws {
        let fixture = try Fixture("warm_up_resnet18")
        let model = ReferenceCase.resnet18.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
        let report = try step.warmUp(
            [ReferenceCase.resnet18.batch()], globalCount: ReferenceCase.images, distillation: InPlaceDistillation(weight: 1.5))
        XCTAssertEqual(report.meanCrossEntropy, Double(try fixture("loss")[0]), accuracy: 1e-4)
        XCTAssertEqual(report.meanDistillation, Double(try fixture("distillation")[0]), accuracy: 1e-4)
        XCTAssertEqual(report.classifications, Double(3 * ReferenceCase.images))
        for parameter in model.classifier.arena.parameters {
            let expected = try fixture("classifier.\(parameter.name)")
            XCTAssertLessThan(relativeDifference(parameter.fileGradient(), expected), 1e-3, parameter.name)
        }
        XCTAssertEqual(fixture.names.count, model.classifier.arena.parameters.count + 2)
    }

    func testAWeightOfZeroMatchesPlainWarmUpBitForBit() throws {
        func warmUp(_ distillation: InPlaceDistillation?) throws -> (gradients: [Float], report: StepReport) {
            let model = ReferenceCase.resnet18.makeModel()
            let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
            let report = try step.warmUp(
                [ReferenceCase.resnet18.batch()], globalCount: ReferenceCase.images, distillation: distillation)
            return withExtendedLifetime(model) { (Array(model.classifier.arena.gradients), report) }
        }
        let (plain, zero, some) = (
            try warmUp(nil), try warmUp(InPlaceDistillation(weight: 0)), try warmUp(InPlaceDistillation(weight: 0.1))
        )
        XCTAssertTrue(zero.gradients == plain.gradients)
        XCTAssertEqual(zero.report.correct, plain.report.correct)
        XCTAssertEqual(zero.report.lossSum, plain.report.lossSum, accuracy: 1e-9 * plain.report.lossSum, "sums differ in order only")
        XCTAssertFalse(some.gradients == plain.gradients, "negative control")
    }
}
