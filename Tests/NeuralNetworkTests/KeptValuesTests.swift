import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

/// What a training pass keeps until its backward pass.
final class KeptValuesTests: XCTestCase {
    private let shape = Shape(batch: 2, height: 6, width: 5, channels: 11)

    func testValuesHaveThePrecisionOfTheContext() {
        let context = KernelContext(threadCount: 1, precision: .bfloat16)
        let tensor = Tensor(shape, Formula.values("x", shape.count), context)
        let kept = KeptValues.keeping(tensor)
        XCTAssertNil(kept.tensor)
        let rounded = tensor.values.map { BFloat16(rounding: $0).float }
        XCTAssertEqual(kept.floats().values, rounded)
        XCTAssertNotEqual(tensor.values, rounded, "the values must need rounding")

        let floats = Tensor(shape, Formula.values("x", shape.count), .test)
        XCTAssertTrue(KeptValues.keeping(floats).tensor === floats, "floats are kept where they are")
    }

    /// The bytes that a forward pass holds for its backward pass.
    private func heldBytes(_ precision: Precision) throws -> Int {
        let context = KernelContext(threadCount: 1, precision: precision)
        let network = try XCTUnwrap(ResNet.Architecture(depth: 18, width: 1)).makeNetwork(outputs: 10, resolutionCount: nil)
        let images = Tensor(Shape(batch: 8, height: 96, width: 96, channels: 3), context)
        images.data.update(repeating: 0.5, count: images.shape.count)
        let forward = try network.forward(images, Pass(.training, statistics: StatisticsCollector(network.arena)))
        context.buffers.release()
        let held = context.buffers.allocatedBytes - images.shape.count * 4
        XCTAssertNotNil(forward.pullback)
        return held
    }

    /// In bfloat16 they take half of the memory. Only the images, and the pooled features, stay floats.
    func testBFloat16HalvesTheMemoryUntilTheBackwardPass() throws {
        let (floats, halves) = (try heldBytes(.float32), try heldBytes(.bfloat16))
        XCTAssertEqual(Double(halves) / Double(floats), 0.5, accuracy: 0.02, "\(halves) of \(floats) bytes")
    }

    /// A pass in 16 bits convolves a few images at a time. The sums of an image do not depend on the images before it, so a batch that is
    /// convolved in several parts has the statistics of its images.
    func testPartsOfABatchGiveTheStatisticsOfItsImages() throws {
        let context = KernelContext(threadCount: 1, precision: .bfloat16)
        func sums(_ images: Range<Int>) throws -> [Double] {
            let network = try XCTUnwrap(ResNet.Architecture(depth: 18, width: 1)).makeNetwork(outputs: 10, resolutionCount: nil)
            // A part has 2²² floats of the first layer's output: five images.
            let image = Shape(batch: 1, height: 224, width: 224, channels: 3)
            let all = Tensor(Shape(batch: images.count, height: 224, width: 224, channels: 3), context)
            for (index, number) in images.enumerated() {
                let values = Formula.values("image \(number)", image.count)
                all.image(index).update(from: values, count: image.count)
            }
            let statistics = StatisticsCollector(network.arena)
            _ = try network.forward(all, Pass(.training, statistics: statistics))
            return Array(statistics.sums[..<network.arena.batchNormCopies[0].sumCount])
        }
        let whole = try sums(0..<7)
        let parts = zip(try sums(0..<3), try sums(3..<7)).map(+)
        XCTAssertFalse(whole.isEmpty)
        for (a, b) in zip(whole, parts) { XCTAssertEqual(a, b, accuracy: 1e-9 * max(1, abs(a))) }
    }
}
