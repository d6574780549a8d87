import DynamicResolution
import NeuralNetwork
import XCTest

@testable import Training

final class WarmStartTests: XCTestCase {
    private let classifier = ResNet.Architecture(
        bottleneck: false, blocks: [2, 2, 2, 2], stemWidth: 8, stageWidths: [8, 16, 16, 24]
    ).makeNetwork(outputs: 5, resolutionCount: 3)

    private func predictor(_ widths: [Int]) -> Network {
        let network = ResNet.Architecture(predictorWidths: widths).makeNetwork(outputs: 3, resolutionCount: nil)
        network.arena.initialize(seed: 7, stream: 1)
        return network
    }

    override func setUp() {
        classifier.arena.initialize(seed: 3, stream: 0)
        // Every number is a different one.
        for (index, parameter) in (classifier.arena.parameters + classifier.arena.statistics).enumerated() {
            for element in 0..<parameter.count { parameter.values[element] += Float(100 * index) }
        }
    }

    private func warmStart(_ predictor: Network, inputSize: Int = 60) -> PredictorWarmStart {
        PredictorWarmStart(from: classifier.tensors, to: predictor.tensors, resolutions: [96, 64, 48], inputSize: inputSize)
    }

    func testLeadingPartsOfEqualShapesAreCopiedAndNothingElse() {
        let target = predictor([8, 8, 16, 24, 24])
        func values() -> [String: [Float]] {
            Dictionary(uniqueKeysWithValues: (target.arena.parameters + target.arena.statistics).map { ($0.name, $0.fileValues()) })
        }
        let sources = Dictionary(
            uniqueKeysWithValues: (classifier.arena.parameters + classifier.arena.statistics).map { ($0.name, $0.fileValues()) })
        let before = values()
        let warmStart = warmStart(target)
        warmStart.copy()
        XCTAssertEqual(warmStart.parts.map(\.name), ["stem", "layer1.0", "layer2.0"])
        XCTAssertEqual(warmStart.others, ["layer3.0", "layer4.0", "fc"])
        XCTAssertEqual(
            warmStart.note,
            "the predictor starts from the classifier's stem, layer1.0, layer2.0 (batch norms of 64 pixels), and from scratch in "
                + "layer3.0, layer4.0, fc")
        var copied = 0
        for (name, after) in values() {
            guard ["conv1.", "bn1.", "layer1.", "layer2."].contains(where: name.hasPrefix) else {
                XCTAssertEqual(after, before[name], name)
                continue
            }
            // Batch norms are those of the second resolution, 64.
            let indexed = name.split(separator: ".").dropLast().joined(separator: ".") + ".1." + name.split(separator: ".").last!
            XCTAssertEqual(after, sources[name] ?? sources[indexed], name)
            copied += 1
        }
        // Stem: a convolution and a batch norm of four; two of each in layer1.0, three in layer2.0.
        XCTAssertEqual(copied, 6 * 5)
    }

    func testWhatFitsBehindAPartThatDoesNotIsLeft() {
        let found = warmStart(predictor([8, 8, 24, 16, 24]))
        XCTAssertEqual(
            found.parts.map(\.name), ["stem", "layer1.0"], "layer4.0 has the classifier's shapes, but is fed with other features")
        XCTAssertEqual(found.others, ["layer2.0", "layer3.0", "layer4.0", "fc"])
    }

    func testBatchNormsAreThoseOfTheResolutionClosestToWhatThePredictorSees() {
        let target = predictor([8, 8, 16, 24, 24])
        for (size, expected) in [(128, 96), (81, 96), (79, 64), (20, 48)] {
            XCTAssertEqual(warmStart(target, inputSize: size).resolution, expected)
        }
    }

    func testNothingIsTakenWhereNotEvenTheStemFits() {
        XCTAssertTrue(warmStart(predictor([4, 8, 16, 16, 24])).parts.isEmpty)
        let mobile = MobileNetV2.Architecture(width: 0.25).makeNetwork(outputs: 5, resolutionCount: 3)
        let target = predictor([8, 8, 16, 16, 24])
        XCTAssertTrue(
            PredictorWarmStart(from: mobile.tensors, to: target.tensors, resolutions: [96, 64, 48], inputSize: 60).parts.isEmpty)
    }

    /// A bottleneck's convolutions are others, even where one has the same shape.
    func testOfABottleneckOnlyTheStemIsTaken() {
        let bottleneck = ResNet.Architecture(depth: 50, width: 0.125)!.makeNetwork(outputs: 5, resolutionCount: 3)
        let target = predictor([8, 8, 16, 32, 64])
        let found = PredictorWarmStart(from: bottleneck.tensors, to: target.tensors, resolutions: [96, 64, 48], inputSize: 60)
        XCTAssertEqual(found.parts.map(\.name), ["stem"])
    }
}
