import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// The loss of classifications: mixed labels, label smoothing, class weights and a teacher.
final class ClassificationLossTests: XCTestCase {
    private let classes = 6
    private let partners = [3, 3, 2, 0, 5]
    private let shares: [Float] = [0, 0.25, 0.4, 0.75, 1]
    private let weights = Formula.values("entropy.weights", 6).map { 1.5 + $0 }
    private let teacher = Formula.values("entropy.teacher", 30).map { 4 * $0 }
    private let logits = Formula.values("entropy.logits", 30).map { 4 * $0 }

    private func target(_ image: Int, isMixed: Bool = true) -> ClassificationTarget {
        isMixed
            ? ClassificationTarget(label: image, partner: partners[image], share: shares[image]) : ClassificationTarget(label: image)
    }

    private func value(
        _ loss: ClassificationLoss, _ logits: some Sequence<Float>, _ target: ClassificationTarget, image: Int = 0
    ) -> (loss: Float, gradient: [Float]) {
        var gradient = [Float](repeating: .nan, count: classes)
        return teacher.withUnsafeBufferPointer {
            var target = target
            if loss.distillation != nil { target.teacherLogits = $0.baseAddress! + classes * image }
            let parts = loss.parts(Array(logits), target, classes: classes, gradient: &gradient)
            XCTAssertEqual(loss.parts(Array(logits), target, classes: classes, gradient: nil), parts, "the gradient is optional")
            return (parts.total, gradient)
        }
    }

    private var losses: [(name: String, loss: ClassificationLoss)] {
        [Float(0), 0.1].flatMap { smoothing in
            [
                ("\(smoothing)", ClassificationLoss(labelSmoothing: smoothing)),
                ("\(smoothing).weighted", ClassificationLoss(labelSmoothing: smoothing, classWeights: weights)),
            ]
        }
    }

    private var taught: [ClassificationLoss] {
        [TeacherDistillation(weight: 0.5, temperature: 4), TeacherDistillation(weight: 1, temperature: 1)].map {
            ClassificationLoss(labelSmoothing: 0.1, classWeights: weights, distillation: $0)
        }
    }

    /// torch.nn.CrossEntropyLoss of probabilities, and of class indices where no image is mixed.
    func testLossesAndGradientsMatchPyTorch() throws {
        let fixture = try Fixture("losses")
        for (suffix, loss) in losses {
            for isMixed in [true, false] {
                let name = (isMixed ? "mixed" : "plain") + suffix
                let all = (0..<5).map { value(loss, logits[6 * $0..<6 * $0 + 6], target($0, isMixed: isMixed)) }
                assertClose(all.map(\.loss), try fixture("\(name).loss"), "\(name).loss")
                assertClose(all.flatMap(\.gradient), try fixture("\(name).gradient"), "\(name).gradient")
            }
        }
        for loss in taught {
            let name = "teacher\(loss.distillation!.weight)"
            let all = (0..<5).map { value(loss, logits[6 * $0..<6 * $0 + 6], target($0), image: $0) }
            assertClose(all.map(\.loss), try fixture("\(name).loss"), "\(name).loss")
            assertClose(all.flatMap(\.gradient), try fixture("\(name).gradient"), "\(name).gradient")
        }
        XCTAssertEqual(fixture.names.count, 20)
        XCTAssertNotEqual(try fixture("mixed0.1.loss"), try fixture("plain0.1.loss"), "negative control")
    }

    /// Steps of 0.01 in single precision: the curvature and the rounding leave three digits.
    func testGradientsMatchFiniteDifferences() {
        let all = losses + taught.map { (name: "teacher", loss: $0) }
        for (name, loss) in all {
            for image in 0..<5 {
                let row = Array(logits[6 * image..<6 * image + 6])
                let differences = row.indices.map { index -> Float in
                    func moved(_ shift: Float) -> Float {
                        var moved = row
                        moved[index] += shift
                        return value(loss, moved, target(image), image: image).loss
                    }
                    return (moved(0.01) - moved(-0.01)) / 0.02
                }
                assertClose(
                    differences, value(loss, row, target(image), image: image).gradient, relativeTolerance: 1e-3, absoluteTolerance: 2e-4,
                    "\(name), image \(image)")
            }
        }
    }

    func testAnImageThatIsNotMixedHasTheLossOfItsLabelBitForBit() {
        for smoothing in [Float(0), 0.1] {
            for image in 0..<5 {
                let row = Array(logits[6 * image..<6 * image + 6])
                var gradient = [Float](repeating: 0, count: 6)
                let expected = CrossEntropy.loss(row, count: 6, label: image, smoothing: smoothing, gradient: &gradient)
                let own = value(
                    ClassificationLoss(labelSmoothing: smoothing), row, ClassificationTarget(label: image, partner: 5, share: 0))
                XCTAssertEqual(own.loss, expected)
                XCTAssertEqual(own.gradient, gradient)
            }
        }
    }

    func testATeacherWithTheSameAnswersLeavesTheLabels() {
        for loss in taught {
            let row = Array(teacher[6..<12])
            let own = value(loss, row, target(1), image: 1)
            let plain = value(ClassificationLoss(labelSmoothing: 0.1, classWeights: weights), row, target(1))
            XCTAssertEqual(own.loss, (1 - loss.distillation!.weight) * plain.loss, accuracy: 1e-6)
            assertClose(own.gradient, plain.gradient.map { (1 - loss.distillation!.weight) * $0 }, "weight \(loss.distillation!.weight)")
        }
    }

    func testTheLossOfHugeLogitsIsFinite() {
        let loss = ClassificationLoss(labelSmoothing: 0, classWeights: weights)
        let result = value(loss, [1e30, -1e30, 0, 0, 0, 0], ClassificationTarget(label: 0, partner: 0, share: 0.5))
        XCTAssertEqual(result.loss, 0)
        XCTAssertTrue(result.gradient.allSatisfy { $0 == 0 }, "\(result.gradient)")
        for loss in taught {
            let result = value(loss, [200, -200, 0, 0, 0, 0], target(0))
            XCTAssertTrue(result.loss.isFinite && result.gradient.allSatisfy(\.isFinite), "\(result)")
        }
    }

    // MARK: - In a step

    private struct Result: Equatable {
        var gradients: [Float]
        var report: StepReport
    }

    private typealias Run = (TrainingStep, DRNet, [MicroBatch]) throws -> StepReport

    private static func warmUp(_ distillation: InPlaceDistillation?) -> Run {
        { step, _, batches in try step.warmUp(batches, globalCount: ReferenceCase.images, distillation: distillation) }
    }

    private static func fineTune(_ estimator: PolicyEstimator, _ images: BatchNormImages, _ frozen: FrozenPart) -> Run {
        { step, model, batches in
            var options = ReferenceCase.resnet18.options(estimator, model, images)
            options.frozen = frozen
            return try step.fineTune(batches, globalCount: ReferenceCase.images, options)
        }
    }

    /// Every way in which a step uses the loss: warm-up, in-place distillation, all estimators, frozen parts.
    private static var ways: [(name: String, run: Run)] {
        var ways: [(name: String, run: Run)] = [
            ("warm-up", warmUp(nil)), ("in-place distillation", warmUp(InPlaceDistillation(weight: 1.5))),
        ]
        for frozen in FrozenPart.allCases {
            for (name, estimator, images) in ReferenceCase.estimators {
                ways.append(("\(name), frozen \(frozen)", fineTune(estimator, images, frozen)))
            }
        }
        return ways
    }

    private func result(
        _ run: Run, _ batch: MicroBatch,
        _ loss: ClassificationLoss = ClassificationLoss(labelSmoothing: 0.1), teacher: Teacher? = nil
    ) throws -> Result {
        let model = ReferenceCase.resnet18.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, loss: loss, teacher: teacher)
        let report = try run(step, model, [batch])
        return withExtendedLifetime(model) { Result(gradients: model.networks.flatMap { Array($0.arena.gradients) }, report: report) }
    }

    /// A second label with a share of 1 replaces the first.
    func testEveryWayToTrainUsesTheSecondLabel() throws {
        let plain = ReferenceCase.resnet18.batch()
        var replaced = plain
        replaced.partnerLabels = plain.labels
        replaced.labels = plain.labels.map { ($0 + 1) % Int32(ReferenceCase.classes) }
        replaced.partnerShares = plain.labels.map { _ in 1 }
        var half = replaced
        half.partnerShares = plain.labels.map { _ in 0.4 }
        for (name, run) in Self.ways {
            let (one, other, mixed) = (try result(run, plain), try result(run, replaced), try result(run, half))
            XCTAssertLessThan(relativeDifference(other.gradients, one.gradients), 1e-5, name)
            XCTAssertEqual(other.report.lossSum, one.report.lossSum, accuracy: 1e-5 * one.report.lossSum, name)
            XCTAssertEqual(other.report.correct, one.report.correct, name)
            XCTAssertGreaterThan(relativeDifference(mixed.gradients, one.gradients), 1e-2, "negative control: \(name)")
        }
    }

    func testEqualClassWeightsScaleTheLossOfEveryWay() throws {
        let batch = ReferenceCase.resnet18.batch()
        for (name, run) in Self.ways {
            let one = try result(run, batch)
            let twice = try result(
                run, batch, ClassificationLoss(labelSmoothing: 0.1, classWeights: [Float](repeating: 2, count: ReferenceCase.classes)))
            XCTAssertEqual(twice.report.lossSum, 2 * one.report.lossSum, accuracy: 1e-5 * one.report.lossSum, name)
            XCTAssertEqual(twice.report.correct, one.report.correct, name)
        }
    }

    /// A teacher that is sure of one class for every image, and nothing else to learn: the loss is the cross entropy of that class.
    func testEveryWayToTrainUsesTheTeacher() throws {
        let (batch, certain) = (ReferenceCase.resnet18.batch(), 2)
        let network = ReferenceCase.resnet18.makeTeacher()
        for parameter in network.arena.parameters where parameter.name.hasPrefix("fc.") {
            parameter.setFileValues((0..<parameter.count).map { parameter.name == "fc.bias" && $0 == certain ? 80 : 0 })
        }
        let teacher = Teacher(network, inputSize: 48, imageSize: ReferenceCase.resnet18.resolutions[0])
        var labelled = batch
        labelled.labels = batch.labels.map { _ in Int32(certain) }
        for (name, run) in Self.ways {
            let one = try result(run, labelled, ClassificationLoss())
            let taught = try result(
                run, batch, ClassificationLoss(distillation: TeacherDistillation(weight: 1, temperature: 1)), teacher: teacher)
            XCTAssertLessThan(relativeDifference(taught.gradients, one.gradients), 1e-5, name)
            XCTAssertEqual(
                taught.report.distillationSum, one.report.lossSum + one.report.distillationSum, accuracy: 1e-5 * one.report.lossSum, name)
            let half = try result(
                run, batch, ClassificationLoss(distillation: TeacherDistillation(weight: 0.5, temperature: 1)), teacher: teacher)
            XCTAssertGreaterThan(relativeDifference(half.gradients, one.gradients), 1e-2, "negative control: \(name)")
            XCTAssertEqual(half.report.lossSum, taught.report.lossSum, "the report has the whole cross entropy")
        }
    }

    func testAccuracyCountsTheLabelWithTheLargerShare() throws {
        let plain = ReferenceCase.resnet18.batch()
        let (name, run) = Self.ways[0]
        let model = ReferenceCase.resnet18.makeModel()
        // What the network says in training mode, at each resolution.
        let answers = try (0..<3).flatMap { index in
            Logits.argmax(
                try model.classifier.forward(model.resizing(plain.images, toResolution: index), Pass(.training, resolutionIndex: index))
                    .output.values, columns: ReferenceCase.classes)
        }
        for share in [Float(0.2), 0.5, 0.51, 0.8] {
            var batch = plain
            batch.partnerLabels = plain.labels.map { ($0 + 2) % Int32(ReferenceCase.classes) }
            batch.partnerShares = plain.labels.map { _ in share }
            let counted = share > 0.5 ? batch.partnerLabels : batch.labels
            let expected = answers.enumerated().filter { Int32($1) == counted[$0 % ReferenceCase.images] }.count
            XCTAssertEqual(try result(run, batch).report.correct, Double(expected), "\(name), share \(share)")
        }
        XCTAssertGreaterThan(Set(answers).count, 1, "the test sees different answers")
    }
}
