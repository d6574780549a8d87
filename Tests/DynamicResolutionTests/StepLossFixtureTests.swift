import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Compares whole steps with mixed labels, class weights and a teacher with PyTorch (Tests/Fixtures/make_loss_fixtures.py, double
/// precision): every estimator, and warm-up with in-place distillation. The tolerance of gradients is 1e-3 relative, as in
/// `StepFixtureTests`.
final class StepLossFixtureTests: XCTestCase {
    private let reference = ReferenceCase.resnet18
    private let weights = Formula.values("class_weights", ReferenceCase.classes).map { 1.5 + $0 }

    /// A step without or with a teacher.
    private struct Variant {
        /// The end of the fixture's names.
        var suffix: String
        var loss: ClassificationLoss
        var teacher: Teacher?
        /// 1 − α.
        var share: Double

        func makeStep(_ model: DRNet) -> TrainingStep {
            TrainingStep(model: model, ranks: nil, globalBatchNorm: false, loss: loss, teacher: teacher)
        }
    }

    private var variants: [Variant] {
        var loss = ClassificationLoss(labelSmoothing: 0.1, classWeights: weights)
        let plain = Variant(suffix: "", loss: loss, share: 1)
        loss.distillation = TeacherDistillation(weight: 0.4, temperature: 3)
        let teacher = Teacher(reference.makeTeacher(), inputSize: 64, imageSize: reference.resolutions[0])
        return [plain, Variant(suffix: ", teacher", loss: loss, teacher: teacher, share: 0.6)]
    }

    func testStepsOfEveryEstimatorMatchPyTorch() throws {
        let fixture = try Fixture("step_losses")
        for variant in variants {
            for (estimatorName, estimator, images) in ReferenceCase.estimators {
                let (name, model) = (estimatorName + variant.suffix, reference.makeModel())
                let report = try variant.makeStep(model).fineTune(
                    [reference.mixedBatch()], globalCount: ReferenceCase.images, reference.options(estimator, model, images))
                XCTAssertEqual(
                    variant.share * report.meanCrossEntropy + report.meanDistillation, Double(try fixture("\(name)/loss")[0]),
                    accuracy: 1e-4, name)
                try compare(model.classifier, with: fixture("\(name)/classifier"), name)
                try compare(model.predictor!, with: fixture("\(name)/predictor"), name)
            }
        }
        XCTAssertEqual(fixture.names.count, 2 * (3 * ReferenceCase.estimators.count + 6) + 1)
    }

    /// `expected` with all images in the batch norms, and a cascade.
    func testStepsOfACascadeMatchPyTorch() throws {
        let fixture = try Fixture("step_losses")
        for variant in variants {
            let (name, model) = ("cascade" + variant.suffix, reference.makeModel(head: .learned))
            let report = try variant.makeStep(model).fineTune(
                [reference.mixedBatch()], globalCount: ReferenceCase.images, reference.options(Expected(), model, .all))
            XCTAssertEqual(
                variant.share * report.meanCrossEntropy + report.meanDistillation, Double(try fixture("\(name)/loss")[0]), accuracy: 1e-4,
                name)
            try compare(model.classifier, with: fixture("\(name)/classifier"), name)
            try compare(model.predictor!, with: fixture("\(name)/predictor"), name)
        }
    }

    func testWarmUpMatchesPyTorch() throws {
        let fixture = try Fixture("step_losses")
        for variant in variants {
            let (name, model) = ("warm-up" + variant.suffix, reference.makeModel())
            let report = try variant.makeStep(model).warmUp(
                [reference.mixedBatch()], globalCount: ReferenceCase.images, distillation: InPlaceDistillation(weight: 1.5))
            let expected = Double(try fixture("\(name)/loss")[0] + fixture("\(name)/distillation")[0])
            XCTAssertEqual(variant.share * report.meanCrossEntropy + report.meanDistillation, expected, accuracy: 2e-4, name)
            try compare(model.classifier, with: fixture("\(name)/classifier"), name)
        }
    }

    func testTheTeacherAnswersLikePyTorch() throws {
        let teacher = Teacher(reference.makeTeacher(), inputSize: 64, imageSize: reference.resolutions[0])
        let expected = try Fixture("step_losses")("teacher")
        assertClose(
            try teacher.logits(reference.batch().images).values, expected, relativeTolerance: 1e-4, absoluteTolerance: 1e-4, "teacher")
    }

    /// The batch norms of the resolution are used, and the images have its size.
    func testTheTeacherAnswersLikeEvaluationAtItsResolution() throws {
        let model = reference.makeModel()
        let images = reference.batch().images
        for (index, size) in reference.resolutions.enumerated() {
            let teacher = Teacher(
                model.classifier, resolutionIndex: index, inputSize: size, imageSize: reference.resolutions[0])
            XCTAssertEqual(
                try teacher.logits(images).values, try FrozenDRNet(model).classify(images, resolutionIndex: index).values, "\(size)")
        }
    }

    /// Compares about ten elements of the gradient of every parameter (`some` in make_loss_fixtures.py).
    private func compare(_ network: Network, with expected: [Float], _ name: String) throws {
        var rest = expected[...]
        for parameter in network.arena.parameters.sorted(by: { $0.name < $1.name }) {
            let gradient = parameter.fileGradient()
            let some = stride(from: 0, to: gradient.count, by: max(1, gradient.count / 10)).map { gradient[$0] }
            XCTAssertLessThan(relativeDifference(some, Array(rest.prefix(some.count))), 1e-3, "\(name): \(parameter.name)")
            rest = rest.dropFirst(some.count)
        }
        XCTAssertTrue(rest.isEmpty, "\(name): every value of the fixture must be compared")
    }
}
