import DynamicResolution
import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import Evaluation

final class CostMeasurementTests: XCTestCase {
    func testEveryResolutionAndTheDecisionHaveTimes() throws {
        let architecture = Backbone(rawValue: "resnet18")!.architecture(.init(width: 0.05))
        func network(_ outputs: Int, _ count: Int?) -> Network {
            Network(NetworkDefinition(architecture: architecture, outputs: outputs, resolutionCount: count, batchNormEpsilon: 1e-5))
        }
        let context = KernelContext(threadCount: 1)
        let deciders: [Decider?] = [nil, .network(inputSize: 16), .cascade(.threshold)]
        for decider in deciders {
            let model = FrozenDRNet(
                DRNet(
                    resolutions: [96, 32], classifier: network(4, 2), decider: decider,
                    predictor: decider?.hasNetwork == true ? network(2, nil) : nil, classCount: 4))
            var rounds = 0
            let costs = try CostMeasurement(model, batchSize: 2, context: context).run(seconds: 0) { rounds = $0 }
            XCTAssertEqual(rounds, 9)
            XCTAssertEqual(costs.classifier.count, 2)
            XCTAssertGreaterThan(costs.classifier[0], 0)
            XCTAssertGreaterThan(costs.classifier[1], 0)
            XCTAssertEqual(costs.isCascade, decider?.isCascade ?? false)
            XCTAssertEqual(costs.predictor > 0, decider != nil)
        }
    }
}
