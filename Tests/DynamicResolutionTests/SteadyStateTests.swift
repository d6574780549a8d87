import Kernels
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// What a step needs besides parameters comes from the buffer pool, which takes no more from the system once the shapes have been there.
final class SteadyStateTests: XCTestCase {
    private func growth(steps: Int, _ step: (Int) throws -> Void) rethrows -> [Int] {
        try (0..<steps).map { number in
            let before = KernelContext.test.buffers.allocatedBytes
            try step(number)
            return KernelContext.test.buffers.allocatedBytes - before
        }
    }

    func testStepsOfTheSameShapesTakeNoMemory() throws {
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

    /// Sub-batches of other sizes find the buffers of larger ones in their size class, or take new ones, but never without end.
    func testSubBatchesThatChangeStopTakingMemory() throws {
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
