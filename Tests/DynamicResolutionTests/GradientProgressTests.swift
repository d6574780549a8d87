import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Gradients that a step reports as complete do not change any more: their sums over the ranks can begin.
final class GradientProgressTests: XCTestCase {
    func testNoPassChangesAGradientThatWasReportedAsComplete() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                for batches in [[0..<9], [0..<4, 4..<9]] {
                    try check("\(name), \(batches), \(String(describing: head))", head: head) { step, model, reference in
                        _ = try step.fineTune(
                            batches.map { reference.batch($0) }, globalCount: ReferenceCase.images,
                            reference.options(estimator, model, images))
                    }
                }
            }
        }
    }

    func testWarmUpReportsTheClassifier() throws {
        for distillation in [nil, InPlaceDistillation(weight: 1)] {
            try check("warm-up", trained: [0]) { step, _, reference in
                _ = try step.warmUp(
                    [reference.batch(0..<4), reference.batch(4..<9)], globalCount: ReferenceCase.images, distillation: distillation)
            }
        }
    }

    func testARankWithoutImagesForTheLastPassReportsEverythingAtItsEnd() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            try check("\(name), empty", isLayerByLayer: false) { step, model, reference in
                _ = try step.fineTune(
                    [reference.batch(0..<9), reference.batch(9..<9)], globalCount: ReferenceCase.images,
                    reference.options(estimator, model, images))
            }
        }
        try check("warm-up, empty", trained: [0], isLayerByLayer: false) { step, _, reference in
            _ = try step.warmUp([reference.batch(9..<9)], globalCount: ReferenceCase.images)
        }
    }

    /// The control: a pass that is not the last one, but reports, is seen by the comparison of these tests.
    func testAReportBeforeTheLastPassIsSeen() throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel()
        let gradients = model.classifier.arena.gradients
        let progress = GradientProgress()
        var reported: [Float] = []
        progress.begin { if $0 == 0 && reported.isEmpty { reported = Array(gradients) } }
        for _ in 0..<2 {
            progress.isLastPass = true
            let forward = try model.classifier.forward(reference.batch().images, Pass(.training, progress: progress))
            let gradient = Tensor(forward.output.shape, forward.output.context)
            for index in 0..<gradient.shape.count { gradient.data[index] = Float(index % 3) - 1 }
            try forward.pullback?(gradient)
            XCTAssertEqual(reported.count, gradients.count, "the first layer is reported")
        }
        XCTAssertFalse(withExtendedLifetime(model) { reported == Array(gradients) })
    }

    /// Runs one step, and compares the gradients at the time of their report with those at the end.
    private func check(
        _ what: String, trained: [Int] = [0, 1], head: CascadeHead? = nil, isLayerByLayer: Bool = true,
        _ body: (TrainingStep, DRNet, ReferenceCase) throws -> Void
    ) throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel(head: head)
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
        var start = model.networks.map { $0.arena.gradients.count }
        var reported = model.networks.map { _ in [Float]() }
        var reports = model.networks.map { _ in 0 }
        for index in trained {
            let gradients = model.networks[index].arena.gradients
            step.progress[index].begin { offset in
                reports[index] += 1
                guard offset < start[index] else { return }
                reported[index] = Array(gradients[offset..<start[index]]) + reported[index]
                start[index] = offset
            }
        }
        try body(step, model, reference)
        for index in trained {
            XCTAssertEqual(start[index], 0, "\(what): all gradients of network \(index) are reported")
            XCTAssertTrue(
                reported[index] == Array(model.networks[index].arena.gradients), "\(what): a reported gradient of network \(index) changed")
        }
        // A cascade's head has no layers that report.
        if isLayerByLayer { XCTAssertGreaterThan(reports[0], 5, "\(what): the classifier's gradients are reported layer by layer") }
    }
}
