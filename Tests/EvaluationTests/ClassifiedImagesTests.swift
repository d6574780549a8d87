import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

@testable import Evaluation

/// The results of images from the answers of the evaluator's parts.
final class ClassifiedImagesTests: XCTestCase {
    /// An answer that predicts a class, for the label 0.
    private func answer(_ predicted: Int) -> ClassAnswer {
        var logits = [Float](repeating: 0, count: 4)
        logits[predicted] = 1
        return ClassAnswer(logits, label: 0, classCount: 4)
    }

    private func images(_ samples: [Int]) -> ClassifiedImages {
        var images = ClassifiedImages(resolutionCount: 2)
        for (number, sample) in samples.enumerated() {
            let batch = MicroBatch(images: Tensor(Shape(batch: 1, channels: 1), .test), labels: [0], sampleIndices: [sample])
            XCTAssertEqual(images.add(batch), number)
        }
        return images
    }

    func testRoutedAnswersComeInAnyOrder() {
        var images = images([7, 5, 6])
        images.routed = [(2, 1), (0, 0), (1, 1)].map { position, choice in
            ClassifiedImages.RoutedAnswer(position: position, choice: choice, answer: answer(position))
        }
        let results = images.results()
        XCTAssertEqual(results.map(\.sample), [5, 6, 7], "in the order of the samples")
        XCTAssertEqual(results.map(\.predicted), [1, 2, 0])
        XCTAssertEqual(results.map(\.choice), [1, 1, 0])
        XCTAssertEqual(results.map(\.labelRank), [1, 1, 0])
        XCTAssertTrue(results.allSatisfy { $0.fixedLabelRanks.isEmpty && $0.topProbabilities.isEmpty && $0.scores.isEmpty })
    }

    func testThePolicysChoiceSelectsTheFixedAnswer() {
        var images = images([1, 0])
        for (column, predicted) in [[0, 1], [2, 3]].enumerated() {
            images.fixed[column] = predicted.map { ClassifiedImages.FixedAnswer(answer: answer($0), topProbability: Float($0)) }
        }
        XCTAssertEqual(images.results().map(\.predicted), [1, 0], "the largest resolution without a policy")
        images.policy = [(1, [-2, -0.1]), (0, [-0.1, -2])].map { .init(choice: $0, scores: $1) }
        let results = images.results()
        XCTAssertEqual(results.map(\.choice), [0, 1])
        XCTAssertEqual(results.map(\.predicted), [1, 2])
        XCTAssertEqual(results.map(\.fixedPredictions), [[1, 3], [0, 2]])
        XCTAssertEqual(results.map(\.topProbabilities), [[1, 3], [0, 2]])
        XCTAssertEqual(results.map(\.scores), [[-0.1, -2], [-2, -0.1]])
    }
}
