import Communication
import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

@testable import Evaluation

/// The evaluator on a small network of random weights.
final class EvaluatorTests: XCTestCase {
    /// The images that a network was given.
    private final class ImageCount: @unchecked Sendable {
        var images = 0
    }

    private struct CountingArchitecture: NetworkArchitecture {
        let architecture: any NetworkArchitecture
        let count = ImageCount()
        /// Takes the network's place.
        var answer: (@Sendable (Tensor) -> Tensor)?

        func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
            CountingLayers(layers: architecture.makeLayers(builder), count: count, answer: answer)
        }
    }

    private final class CountingLayers: NetworkLayers {
        private let layers: any NetworkLayers
        private let count: ImageCount
        private let answer: (@Sendable (Tensor) -> Tensor)?

        init(layers: any NetworkLayers, count: ImageCount, answer: (@Sendable (Tensor) -> Tensor)?) {
            self.layers = layers
            self.count = count
            self.answer = answer
        }

        func layerCosts(_ input: Shape) -> [LayerCost] { layers.layerCosts(input) }
        func forward(_ images: Tensor, _ pass: Pass) throws -> NetworkForward {
            count.images += images.shape.batch
            return try answer.map { NetworkForward($0(images), nil) } ?? layers.forward(images, pass)
        }
    }

    private let resolutions = [48, 32]
    private let imageCount = 23

    private struct Networks {
        var classifier: Network
        var predictor: Network
        var classified: ImageCount
        var predicted: ImageCount
    }

    private func networks() -> Networks {
        let classifier = CountingArchitecture(architecture: ResNet.Architecture(predictorWidths: [4, 4, 8, 8, 8]))
        var predictor = CountingArchitecture(architecture: ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]))
        // By the first pixel, so that both resolutions are chosen.
        predictor.answer = { (images: Tensor) in
            Tensor(
                Shape(batch: images.shape.batch, channels: 2),
                (0..<images.shape.batch).flatMap { images.image($0)[0] > 0 ? [1, 0] as [Float] : [0, 1] })
        }
        let networks = Networks(
            classifier: classifier.makeNetwork(outputs: 5, resolutionCount: 2),
            predictor: predictor.makeNetwork(outputs: 2, resolutionCount: nil), classified: classifier.count,
            predicted: predictor.count)
        networks.classifier.arena.initialize(seed: 1, stream: 0)
        networks.predictor.arena.initialize(seed: 2, stream: 0)
        return networks
    }

    private func evaluate(
        _ modes: Evaluator.Modes, batchSize: Int
    ) throws -> (results: [ImageResult], classified: Int, predicted: Int, milliseconds: ImageCosts?) {
        let networks = networks()
        let model = DRNet(
            resolutions: resolutions, classifier: networks.classifier, predictor: networks.predictor, predictorInputSize: 32,
            classCount: 5)
        let evaluator = Evaluator(
            model: FrozenDRNet(model), communicator: SingleProcess(), batchSize: batchSize, modes: modes, context: .test)
        let outcome = try evaluator.run(batches(of: batchSize))
        return (outcome.results, networks.classified.images, networks.predicted.images, outcome.milliseconds)
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
            XCTAssertEqual(result.scores[result.choice], likely, accuracy: 1e-9, "of the logits 1 and 0")
            XCTAssertEqual(result.scores[1 - result.choice], likely - 1, accuracy: 1e-9)
            XCTAssertEqual(result.fixedPredictions[result.choice], result.predicted)
            for probability in result.topProbabilities { XCTAssertTrue((0.2...1).contains(probability), "\(probability) of 5 classes") }
        }
        let times = try XCTUnwrap(policy.milliseconds)
        XCTAssertTrue((times.classifier + [times.predictor]).allSatisfy { $0 > 0 }, "\(times)")
        XCTAssertEqual(try evaluate(.fixed, batchSize: 4).milliseconds?.predictor, 0)
        XCTAssertNil(try evaluate(.dynamic, batchSize: 4).milliseconds)
    }

    /// The images whose answer is not kept run once more, in full batches of their resolution.
    func testACascadeClassifiesOnlyTheImagesAgainWhoseAnswerIsNotKept() throws {
        let networks = networks()
        let model = DRNet(
            resolutions: resolutions, classifier: networks.classifier, decider: .cascade(.threshold), predictor: nil, classCount: 5)
        let frozen = FrozenDRNet(model)
        let images = batch(0..<imageCount)
        let doubts = try XCTUnwrap(frozen.decide(images.images)).scores.enumerated().filter { $0.offset % 2 == 1 }.map { -$0.element }
        let costWeight = doubts.sorted()[imageCount / 2] + 1e-5
        let again = doubts.filter { $0 > costWeight }.count
        XCTAssertTrue((5..<imageCount - 5).contains(again), "\(doubts)")
        for batchSize in [1, 4, 64] {
            networks.classified.images = 0
            let evaluator = Evaluator(
                model: frozen, communicator: SingleProcess(), batchSize: batchSize, modes: .dynamic, costWeight: costWeight, context: .test)
            let results = try evaluator.run(batches(of: batchSize)).results
            XCTAssertEqual(networks.classified.images, imageCount + again, "batches of \(batchSize)")
            XCTAssertEqual(results.map(\.choice), doubts.map { $0 > costWeight ? 0 : 1 })
            let policy = Evaluator(
                model: frozen, communicator: SingleProcess(), batchSize: batchSize, modes: .policy, costWeight: costWeight, context: .test)
            let outcome = try policy.run(batches(of: batchSize))
            XCTAssertEqual(outcome.results.map(\.predicted), results.map(\.predicted))
            XCTAssertEqual(outcome.milliseconds?.isCascade, true)
        }
    }

    private func batch(_ range: Range<Int>) -> MicroBatch {
        let imageFloats = 48 * 48 * 3
        let pixels = Formula.values("images", imageCount * imageFloats)
        return MicroBatch(
            images: Tensor(
                Shape(batch: range.count, height: 48, width: 48, channels: 3),
                Array(pixels[range.lowerBound * imageFloats..<range.upperBound * imageFloats])),
            labels: range.map { Int32($0 % 5) }, sampleIndices: Array(range))
    }

    private func batches(of size: Int) -> () -> MicroBatch? {
        var next = 0
        return {
            guard next < self.imageCount else { return nil }
            let range = next..<min(next + size, self.imageCount)
            next = range.upperBound
            return self.batch(range)
        }
    }

    func testTopProbabilitiesAreThoseOfTheClassifiersSoftmax() throws {
        let networks = networks()
        let model = DRNet(
            resolutions: resolutions, classifier: networks.classifier, predictor: networks.predictor, predictorInputSize: 32,
            classCount: 5)
        let frozen = FrozenDRNet(model)
        let pixels = Array(Formula.values("images", imageCount * 48 * 48 * 3).prefix(2 * 48 * 48 * 3))
        let images = Tensor(Shape(batch: 2, height: 48, width: 48, channels: 3), pixels)
        let results = try evaluate(.policy, batchSize: 2).results
        for (column, _) in resolutions.enumerated() {
            let probabilities = Logits.softmax(try frozen.classify(images, resolutionIndex: column).values, columns: 5)
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
