import Kernels
import NeuralNetwork
import TestSupport
import XCTest
@testable import DynamicResolution

/// A whole step, with given noise, against the same step in PyTorch (Tests/Fixtures/drnet_reference.py, double precision): loss, costs, and
/// the gradient of every parameter within 1e-3 relative.
final class StepFixtureTests: XCTestCase {
    func testAStepOfAResNet18() throws {
        try check("step_resnet18", ReferenceCase.resnet18)
    }

    func testAStepOfABottleneckResNet() throws {
        try check("step_bottleneck", ReferenceCase.bottleneck)
    }

    func testStepsWithWinogradWhereverItCanBeUsed() throws {
        ConvolutionKernels.configure(winograd: .always)
        defer { ConvolutionKernels.configure(winograd: .wherePays) }
        // Two stages of this network have channels that are multiples of 8.
        try check("step_resnet18", ReferenceCase.resnet18)
    }

    private func check(_ file: String, _ reference: ReferenceCase) throws {
        let fixture = try Fixture(file)
        for estimator in [StraightThrough(), Expected()] as [PolicyEstimator] {
            let model = reference.makeModel()
            let costs = try fixture("\(estimator.name)/costs").map(Double.init)
            for (counted, expected) in zip(model.flops.classifier, costs) { XCTAssertEqual(counted / expected, 1, accuracy: 1e-6) }
            let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0.1)
            let report = try step.fineTune(
                [reference.batch()], globalCount: ReferenceCase.images, reference.options(estimator, model))
            XCTAssertEqual(
                report.meanCrossEntropy, Double(try fixture("\(estimator.name)/loss")[0]), accuracy: 1e-4, "\(file) \(estimator.name)")
            XCTAssertEqual(
                report.penaltySum / Double(ReferenceCase.images), Double(try fixture("\(estimator.name)/penalty")[0]), accuracy: 1e-4)
            XCTAssertEqual(
                report.meanCost / Double(try fixture("\(estimator.name)/mean_cost")[0]), 1, accuracy: 1e-4)
            try compareGradients(fixture, file, estimator.name, model)
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
            if estimator == "straight-through" { try compareStatistics(fixture, file, prefix, network) }
        }
        let expected = fixture.names.filter { $0.hasPrefix("\(estimator)/") && $0.contains(".") && !$0.contains("running_") }.count
        XCTAssertEqual(compared, expected, "every gradient of the fixture is compared")
        XCTAssertGreaterThan(compared, 20)
    }

    private func compareStatistics(_ fixture: Fixture, _ file: String, _ prefix: String, _ network: Network) throws {
        var sums: [Double] = []
        for norm in network.batchNorms { norm.appendPending(to: &sums) }
        var slice = sums[...]
        for norm in network.batchNorms { norm.update(from: &slice) }
        for statistic in network.arena.statistics {
            let difference = relativeDifference(
                statistic.fileValues(), try fixture("straight-through/\(prefix).\(statistic.name)"))
            XCTAssertLessThan(difference, 1e-4, "\(file): \(prefix).\(statistic.name)")
        }
    }
}
