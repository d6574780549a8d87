import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Compares a whole step of each estimator, with given noise, with the same step in PyTorch (Tests/Fixtures/drnet_reference.py, double
/// precision): loss, costs, running statistics, and the gradient of every parameter. The tolerance of gradients is 1e-3 relative.
final class StepFixtureTests: XCTestCase {
    func testAStepOfAResNet18MatchesPyTorch() throws {
        try check("step_resnet18", ReferenceCase.resnet18)
    }

    func testAStepOfABottleneckResNetMatchesPyTorch() throws {
        try check("step_bottleneck", ReferenceCase.bottleneck)
    }

    func testStepsWithWinogradMatchPyTorch() throws {
        for tile in [WinogradTile.twoByTwo, .fourByFour] {
            // Two stages of this network have channels that are multiples of 8.
            try check("step_resnet18", ReferenceCase.resnet18, KernelContext(threadCount: 1, winograd: .always(tile)))
        }
    }

    private func check(_ file: String, _ reference: ReferenceCase, _ context: KernelContext = .test) throws {
        let fixture = try Fixture(file)
        for (name, estimator, images) in ReferenceCase.estimators {
            let model = reference.makeModel()
            let costs = try fixture("\(name)/costs").map(Double.init)
            for (counted, expected) in zip(model.flops.classifier, costs) { XCTAssertEqual(counted / expected, 1, accuracy: 1e-6) }
            let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
            let report = try step.fineTune(
                [reference.batch(0..<ReferenceCase.images, context)], globalCount: ReferenceCase.images,
                reference.options(estimator, model, images))
            XCTAssertEqual(report.meanCrossEntropy, Double(try fixture("\(name)/loss")[0]), accuracy: 1e-4, "\(file) \(name)")
            XCTAssertEqual(
                report.penaltySum / Double(ReferenceCase.images), Double(try fixture("\(name)/penalty")[0]), accuracy: 1e-4)
            XCTAssertEqual(report.meanCost / Double(try fixture("\(name)/mean_cost")[0]), 1, accuracy: 1e-4)
            for statistics in step.statistics { statistics.updateRunningStatistics(momentum: 0.1) }
            try compareGradients(fixture, file, name, model)
        }
    }

    /// `expected` with all images in the batch norms, and a cascade.
    func testAStepOfACascadeMatchesPyTorch() throws {
        let (fixture, reference) = (try Fixture("step_cascade"), ReferenceCase.resnet18)
        let model = reference.makeModel(head: .learned)
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
        let report = try step.fineTune(
            [reference.batch()], globalCount: ReferenceCase.images, reference.options(Expected(), model, .all))
        XCTAssertEqual(report.meanCrossEntropy, Double(try fixture("loss")[0]), accuracy: 1e-4)
        XCTAssertEqual(report.penaltySum / Double(ReferenceCase.images), Double(try fixture("penalty")[0]), accuracy: 1e-4)
        XCTAssertEqual(report.meanCost / Double(try fixture("mean_cost")[0]), 1, accuracy: 1e-4)
        for (counted, expected) in zip(model.flops.choices, try fixture("costs")) {
            XCTAssertEqual(counted / Double(expected), 1, accuracy: 1e-6)
        }
        for statistics in step.statistics { statistics.updateRunningStatistics(momentum: 0.1) }
        for (prefix, network) in zip(["classifier", "predictor"], model.networks) {
            for parameter in network.arena.parameters {
                let name = "\(prefix).\(parameter.name)"
                XCTAssertLessThan(relativeDifference(parameter.fileGradient(), try fixture(name)), 1e-3, name)
            }
            for statistic in network.arena.statistics {
                let name = "\(prefix).\(statistic.name)"
                XCTAssertLessThan(relativeDifference(statistic.fileValues(), try fixture(name)), 1e-4, name)
            }
        }
    }

    private func compareGradients(_ fixture: Fixture, _ file: String, _ estimator: String, _ model: DRNet) throws {
        var compared = 0
        for (prefix, network) in zip(["classifier", "predictor"], model.networks) {
            for parameter in network.arena.parameters {
                let name = "\(estimator)/\(prefix).\(parameter.name)"
                guard fixture.names.contains(name) else { continue }
                let expected = try fixture(name)
                let difference = relativeDifference(parameter.fileGradient(), expected)
                XCTAssertLessThan(difference, 1e-3, "\(file): \(name)")
                compared += 1
            }
            try compareStatistics(fixture, file, estimator, prefix, network)
        }
        let expected = fixture.names.filter { $0.hasPrefix("\(estimator)/") && $0.contains(".") && !$0.contains("running_") }.count
        XCTAssertEqual(compared, expected, "every gradient of the fixture must be compared")
        XCTAssertGreaterThan(compared, 20)
    }

    /// Compares running statistics. If forward-only passes must not change them, they equal those of the published estimator and the
    /// fixture omits them.
    private func compareStatistics(
        _ fixture: Fixture, _ file: String, _ estimator: String, _ prefix: String, _ network: Network
    ) throws {
        for statistic in network.arena.statistics {
            let own = "\(estimator)/\(prefix).\(statistic.name)"
            let name = fixture.names.contains(own) ? own : "straight-through/\(prefix).\(statistic.name)"
            let difference = relativeDifference(statistic.fileValues(), try fixture(name))
            XCTAssertLessThan(difference, 1e-4, "\(file) \(estimator): \(name)")
        }
    }
}
