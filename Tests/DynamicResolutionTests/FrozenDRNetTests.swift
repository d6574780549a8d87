import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

final class FrozenDRNetTests: XCTestCase {
    private let reference = ReferenceCase.resnet18

    private func change(_ network: Network) {
        for tensor in network.tensors { for index in 0..<tensor.count { tensor.values[index] = 1.5 * tensor.values[index] + 0.1 } }
    }

    private static func answers(_ frozen: FrozenDRNet, _ images: Tensor, _ resolutions: Range<Int>) throws -> [[Float]] {
        try resolutions.map { try frozen.classify(images, resolutionIndex: $0).values }
            + [try XCTUnwrap(frozen.decide(images)).scores.map { Float($0) }]
    }

    /// The network prepares its weights at each layer's first use. Weights that it prepares after a change of the model must still be the
    /// old ones.
    func testChangesOfTheModelDoNotAffectTheFrozenNetwork() throws {
        let (model, images) = (reference.makeModel(), reference.batch().images)
        let (frozen, expected) = (FrozenDRNet(model), try Self.answers(FrozenDRNet(model), images, 0..<3))
        XCTAssertEqual(try frozen.classify(images, resolutionIndex: 0).values, expected[0])
        model.networks.forEach(change)
        XCTAssertEqual(try Self.answers(frozen, images, 0..<3), expected)
        let changed = try Self.answers(FrozenDRNet(model), images, 0..<3)
        for (new, old) in zip(changed, expected) { XCTAssertNotEqual(new, old, "negative control") }
    }

    func testResultsMatchTheModelInEvaluation() throws {
        let model = reference.makeModel()
        let frozen = FrozenDRNet(model)
        // Other batch and image sizes use other kernels. Each must use its own prepared weights.
        for images in [reference.batch(), reference.batch(0..<1), reference.batch(2..<6), reference.batch()].map(\.images) {
            for index in model.resolutions.indices {
                let expected = try model.classifier.forward(
                    model.resizing(images, toResolution: index), Pass(.evaluation, resolutionIndex: index)
                ).output.values
                XCTAssertEqual(try frozen.classify(images, resolutionIndex: index).values, expected, "resolution \(index)")
            }
            let logits = try XCTUnwrap(model.predictor).forward(model.imagesForPredictor(images), Pass(.evaluation)).output.values
            XCTAssertEqual(try frozen.decide(images)?.scores, Logits.logSoftmax(logits, columns: 3))
        }
    }

    func testWithoutAPredictorAllImagesUseTheLargestResolution() throws {
        let model = reference.makeModel()
        let frozen = FrozenDRNet(
            DRNet(
                resolutions: model.resolutions, classifier: model.classifier, predictor: nil,
                predictorInputSize: model.predictorInputSize, classCount: model.classCount))
        XCTAssertFalse(frozen.hasDecider)
        XCTAssertEqual(try frozen.route(reference.batch(0..<2).images), [0, 0])
        XCTAssertNil(try frozen.decide(reference.batch(0..<2).images))
    }

    func testAFixedResolutionIsThatOfAllImages() throws {
        let frozen = FrozenDRNet(reference.makeModel())
        let fixed = frozen.withFixedResolution(1)
        XCTAssertEqual(try fixed.route(reference.batch(0..<2).images), [1, 1])
        XCTAssertNil(try fixed.decide(reference.batch(0..<2).images))
        XCTAssertEqual(fixed.flops.predictor, 0, "no decision")
        XCTAssertEqual(fixed.costs.choices, frozen.flops.classifier)
        XCTAssertEqual(frozen.costUnit, .multiplyAdds)
    }

    func testWeightsArePreparedOnce() throws {
        let (frozen, images) = (FrozenDRNet(reference.makeModel()), reference.batch().images)
        func growth() throws -> Int {
            let before = KernelContext.test.buffers.allocatedBytes
            _ = try Self.answers(frozen, images, 0..<3)
            return KernelContext.test.buffers.allocatedBytes - before
        }
        _ = try growth()
        XCTAssertEqual(try growth(), 0)
    }

    func testConcurrentPassesGiveTheSameBits() throws {
        let (frozen, images) = (FrozenDRNet(reference.makeModel()), reference.batch(0..<3).images)
        let (shape, pixels) = (images.shape, images.values)
        let expected = try Self.answers(FrozenDRNet(reference.makeModel()), images, 0..<3)
        let lock = NSLock()
        // `lock` protects it.
        nonisolated(unsafe) var found: [[[Float]]] = []
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            let own = Tensor(shape, pixels, KernelContext(threadCount: 1))
            guard let answers = try? Self.answers(frozen, own, 0..<3) else { return }
            lock.withLock { found.append(answers) }
        }
        XCTAssertEqual(found, [[[Float]]](repeating: expected, count: 4))
    }
}
