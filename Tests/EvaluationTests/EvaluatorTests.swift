@testable import Evaluation
import Communication
import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

/// The evaluator on a small network of random weights.
final class EvaluatorTests: XCTestCase {
    /// A network that counts the images that it is given.
    private final class CountingNetwork: Network {
        let network: Network
        /// Takes the network's place.
        let answer: ((Tensor) -> Tensor)?
        var images = 0

        init(_ network: Network, answer: ((Tensor) -> Tensor)? = nil) {
            self.network = network
            self.answer = answer
        }

        var arena: ParameterArena { network.arena }
        var batchNorms: [ResolutionAwareBatchNorm] { network.batchNorms }
        func trace(_ shape: Shape, into costs: inout [LayerCost]) { network.trace(shape, into: &costs) }
        func forward(_ images: Tensor, _ pass: Pass) throws -> Forward {
            self.images += images.shape.batch
            return try answer.map { Forward($0(images), nil) } ?? network.forward(images, pass)
        }
    }

    private let resolutions = [48, 32]
    private let imageCount = 23

    private func networks() -> (classifier: CountingNetwork, predictor: CountingNetwork) {
        let classifier = ResNet(ResNet.Architecture(predictorWidths: [4, 4, 8, 8, 8]), outputs: 5, resolutionCount: 2)
        let predictor = ResNet(ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]), outputs: 2, resolutionCount: nil)
        for (network, seed) in [(classifier, 1), (predictor, 2)] as [(ResNet, UInt64)] { network.arena.initialize(seed: seed, stream: 0) }
        // By the first pixel, so that both resolutions are chosen.
        let byFirstPixel = { (images: Tensor) in
            Tensor(
                Shape(batch: images.shape.batch, channels: 2),
                (0..<images.shape.batch).flatMap { images.image($0)[0] > 0 ? [1, 0] as [Float] : [0, 1] })
        }
        return (CountingNetwork(classifier), CountingNetwork(predictor, answer: byFirstPixel))
    }

    private func evaluate(
        _ ways: Evaluator.Ways, batchSize: Int
    ) throws -> (results: [ImageResult], classified: Int, predicted: Int, milliseconds: ImageCosts?) {
        let (classifier, predictor) = networks()
        let model = DRNet(
            resolutions: resolutions, classifier: classifier, predictor: predictor, predictorInputSize: 32, classCount: 5)
        let imageFloats = 48 * 48 * 3
        let pixels = Formula.values("images", imageCount * imageFloats)
        var next = 0
        let evaluator = Evaluator(model: model, communicator: SingleProcess(), batchSize: batchSize, ways: ways)
        let outcome = try evaluator.run {
            guard next < self.imageCount else { return nil }
            let range = next..<min(next + batchSize, self.imageCount)
            next = range.upperBound
            return MicroBatch(
                images: Tensor(
                    Shape(batch: range.count, height: 48, width: 48, channels: 3),
                    Array(pixels[range.lowerBound * imageFloats..<range.upperBound * imageFloats])),
                labels: range.map { Int32($0 % 5) }, sampleIndices: Array(range))
        }
        return (outcome.results, classifier.images, predictor.images, outcome.milliseconds)
    }

    func testTheDynamicNetworkClassifiesEachImageOnce() throws {
        for batchSize in [1, 4, 64] {
            let dynamic = try evaluate(.dynamic, batchSize: batchSize)
            XCTAssertEqual(dynamic.classified, imageCount, "batches of \(batchSize)")
            XCTAssertEqual(dynamic.predicted, imageCount)
            XCTAssertEqual(dynamic.results.map(\.sample), Array(0..<imageCount))
        }
        XCTAssertEqual(try evaluate(.fixed, batchSize: 4).classified, 2 * imageCount, "the counting counts")
    }

    func testThePolicysResultsAreThoseOfTheDynamicNetwork() throws {
        let policy = try evaluate(.policy, batchSize: 4)
        let dynamic = try evaluate(.dynamic, batchSize: 4).results
        XCTAssertEqual(policy.classified, 2 * imageCount, "once at each resolution")
        XCTAssertEqual(policy.predicted, imageCount)
        XCTAssertEqual(policy.results.map(\.choice), dynamic.map(\.choice))
        XCTAssertEqual(policy.results.map(\.predicted), dynamic.map(\.predicted))
        XCTAssertEqual(policy.results.map(\.labelRank), dynamic.map(\.labelRank))
        for result in policy.results {
            let likely = -log(1 + exp(-1.0))
            XCTAssertEqual(result.logProbabilities[result.choice], likely, accuracy: 1e-9, "of the logits 1 and 0")
            XCTAssertEqual(result.logProbabilities[1 - result.choice], likely - 1, accuracy: 1e-9)
            XCTAssertEqual(result.fixedPredictions[result.choice], result.predicted)
            for probability in result.topProbabilities { XCTAssertTrue((0.2...1).contains(probability), "\(probability) of 5 classes") }
        }
        let times = try XCTUnwrap(policy.milliseconds)
        XCTAssertTrue((times.classifier + [times.predictor]).allSatisfy { $0 > 0 }, "\(times)")
        XCTAssertEqual(try evaluate(.fixed, batchSize: 4).milliseconds?.predictor, 0)
        XCTAssertNil(try evaluate(.dynamic, batchSize: 4).milliseconds)
    }

    func testTopProbabilitiesAreThoseOfTheClassifiersSoftmax() throws {
        let (classifier, predictor) = networks()
        let model = DRNet(resolutions: resolutions, classifier: classifier, predictor: predictor, predictorInputSize: 32, classCount: 5)
        let pixels = Array(Formula.values("images", imageCount * 48 * 48 * 3).prefix(2 * 48 * 48 * 3))
        let images = Tensor(Shape(batch: 2, height: 48, width: 48, channels: 3), pixels)
        let results = try evaluate(.policy, batchSize: 2).results
        for (column, _) in resolutions.enumerated() {
            let probabilities = GumbelSoftmax.softmax(try model.classify(images, resolutionIndex: column).values, columns: 5)
            for row in 0..<2 {
                XCTAssertEqual(results[row].topProbabilities[column], probabilities[5 * row..<5 * row + 5].max()!, accuracy: 1e-5)
            }
        }
    }

    func testAnImagesResultIsThatOfTheFixedResolutionThatWasChosen() throws {
        let both = try evaluate([.dynamic, .fixed], batchSize: 4).results
        XCTAssertEqual(Set(both.map(\.choice)), [0, 1], "both resolutions are chosen")
        XCTAssertTrue(both.contains { $0.fixedLabelRanks[0] != $0.fixedLabelRanks[1] }, "they differ")
        for result in both { XCTAssertEqual(result.labelRank, result.fixedLabelRanks[result.choice], "image \(result.sample)") }
        let alone = try evaluate(.dynamic, batchSize: 7).results
        XCTAssertEqual(alone.map(\.choice), both.map(\.choice))
        XCTAssertEqual(alone.map(\.predicted), both.map(\.predicted))
        XCTAssertEqual(alone.map(\.labelRank), both.map(\.labelRank))
    }
}
