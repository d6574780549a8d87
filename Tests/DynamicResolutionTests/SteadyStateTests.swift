import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Apart from parameters, a step takes its memory from the buffer pool. Once all shapes have occurred, the pool allocates nothing more.
final class SteadyStateTests: XCTestCase {
    private func growth(steps: Int, _ step: (Int) throws -> Void) rethrows -> [Int] {
        try (0..<steps).map { number in
            let before = KernelContext.test.buffers.allocatedBytes
            try step(number)
            return KernelContext.test.buffers.allocatedBytes - before
        }
    }

    func testStepsOfTheSameShapesAllocateNothing() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            let reference = ReferenceCase.resnet18
            let model = reference.makeModel()
            let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
            let options = reference.options(estimator, model, images)
            let growth = try growth(steps: 4) { _ in
                _ = try step.fineTune([reference.batch()], globalCount: ReferenceCase.images, options)
            }
            XCTAssertEqual(Array(growth.dropFirst()), [0, 0, 0], name)
        }
    }

    /// A sub-batch of a new size reuses a buffer in its size class or allocates a new one. Allocations must stop after some steps.
    func testChangingSubBatchesStopAllocating() throws {
        let reference = ReferenceCase.resnet18
        let model = reference.makeModel()
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
        let growth = try growth(steps: 60) { number in
            var options = reference.options(StraightThrough(), model)
            options.noise = { batch in
                let samples = batch.sampleIndices
                return PolicyNoise(
                    gumbel: samples.flatMap { sample in (0..<3).map { $0 == (sample * (number + 1) + number * number) % 3 ? 30 : 0 } },
                    probes: samples.map { _ in 0 })
            }
            _ = try step.fineTune([reference.batch()], globalCount: ReferenceCase.images, options)
        }
        XCTAssertEqual(growth.suffix(20).reduce(0, +), 0, "\(growth)")
    }
}
