import Communication
import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

@testable import Evaluation

/// The numbers that a recommendation expects are those that the deployed network has on the same images.
final class DeployedEvaluationTests: XCTestCase {
    private let imageCount = 41
    private let side = 64

    /// Random weights.
    private func model() -> FrozenDRNet {
        func network(_ widths: [Int], _ outputs: Int, _ count: Int?, stream: Int) -> Network {
            let network = Network(
                NetworkDefinition(
                    architecture: ResNet.Architecture(predictorWidths: widths), outputs: outputs, resolutionCount: count,
                    batchNormEpsilon: 1e-5))
            network.arena.initialize(seed: 7, stream: stream)
            return network
        }
        return FrozenDRNet(
            DRNet(
                resolutions: [side, 48, 32], classifier: network([4, 4, 8, 8, 8], 5, 3, stream: 0), decider: .network(inputSize: 32),
                predictor: network([4, 4, 4, 8, 8], 3, nil, stream: 1), classCount: 5))
    }

    private func batches() -> () -> MicroBatch? {
        let (floats, size) = (side * side * 3, 8)
        let pixels = Formula.values("images", imageCount * floats)
        var next = 0
        return {
            guard next < self.imageCount else { return nil }
            let range = next..<min(next + size, self.imageCount)
            next = range.upperBound
            // Each image is a multiple of its pixels, so that the network is not equally sure of all.
            let values = range.flatMap { image in
                pixels[image * floats..<(image + 1) * floats].map { $0 * Float(image % 7) }
            }
            return MicroBatch(
                images: Tensor(Shape(batch: range.count, height: self.side, width: self.side, channels: 3), values),
                labels: range.map { Int32($0 % 5) }, sampleIndices: Array(range))
        }
    }

    private func evaluate(_ model: FrozenDRNet, _ modes: Evaluator.Modes, costWeight: Double = 0) throws -> [ImageResult] {
        let evaluator = Evaluator(
            model: model, communicator: SingleProcess(), batchSize: 8, modes: modes, costWeight: costWeight, context: .test)
        return try evaluator.run(batches()).results
    }

    func testADeployedNetworkRepeatsTheNumbersThatItWasChosenBy() throws {
        let model = model()
        let results = try evaluate(model, .policy)
        let ways = Deployable.ways(results, model, costs: .gigaFLOPs(model.flops))
        XCTAssertEqual(ways.map(\.way), [.fixedResolutions, .thresholdCascade, .dynamic])
        let all = Array(0..<imageCount)
        for way in ways.dropFirst() {
            for share in [0.55, 0.7, 0.9] {
                let setting = try XCTUnwrap(way.setting(within: share * way.costs.largest, all))
                guard case .costWeight(let costWeight) = setting else { return XCTFail("\(setting)") }
                let deployed = way.way == .thresholdCascade ? model.withThresholdCascade() : model
                let repeated = try evaluate(deployed, .dynamic, costWeight: costWeight)
                let routed = way.routed(setting, all)
                XCTAssertEqual(repeated.map(\.choice), routed.map(\.choice), "\(way.way) \(share)")
                let result = DeployedResult(repeated, deployed)
                XCTAssertEqual(result.top1, way.accuracy(setting, all), accuracy: 1e-12)
                XCTAssertEqual(result.gigaFLOPs, routed.map(\.cost).mean ?? 0, accuracy: 1e-12 * way.costs.largest)
                XCTAssertLessThanOrEqual(result.gigaFLOPs, share * way.costs.largest * (1 + 1e-9))
            }
        }
        let fixed = try evaluate(model.withFixedResolution(1), [.dynamic, .fixed])
        XCTAssertEqual(Set(fixed.map(\.choice)), [1])
        let result = DeployedResult(fixed, model.withFixedResolution(1))
        XCTAssertEqual(result.top1, ways[0].accuracy(.fixed(1), all), accuracy: 1e-12)
        XCTAssertEqual(result.gigaFLOPs, ways[0].costs.classifier[1], accuracy: 1e-15)
    }
}
