import TestSupport
import XCTest
@testable import NeuralNetwork

final class BatchNormStatisticsTests: XCTestCase {
    private func norm() -> (ResolutionAwareBatchNorm, ParameterArena) {
        let registry = ParameterRegistry()
        let norm = ResolutionAwareBatchNorm(
            "bn", registry, channels: 2, resolutionCount: 2, options: BatchNormOptions(), activation: .relu)
        let arena = ParameterArena(registry)
        arena.initialize(seed: 1, stream: 0)
        return (norm, arena)
    }

    private func update(_ norm: ResolutionAwareBatchNorm, momentum: Double? = nil) {
        var sums: [Double] = []
        norm.appendPending(to: &sums)
        var slice = sums[...]
        norm.update(from: &slice, momentum: momentum)
        XCTAssertTrue(slice.isEmpty)
    }

    private func statistic(_ arena: ParameterArena, _ name: String) -> [Float] {
        arena.statistics.first { $0.name == name }!.fileValues()
    }

    func testAResolutionWithoutImagesKeepsItsStatisticsAndParameters() throws {
        let (norm, arena) = norm()
        let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Formula.values("x", 16))
        _ = try norm.forward(input, Pass(.training, resolutionIndex: 1))
        update(norm)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
        XCTAssertEqual(statistic(arena, "bn.0.running_var"), [1, 1])
        XCTAssertNotEqual(statistic(arena, "bn.1.running_mean"), [0, 0])
    }

    func testAnEmptySubBatchChangesNothing() throws {
        let (norm, arena) = norm()
        let result = try norm.forward(Tensor(Shape(batch: 0, height: 2, width: 2, channels: 2)), Pass(.training))
        _ = try result.pullback!(Tensor(result.output.shape))
        update(norm)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
        XCTAssertEqual(statistic(arena, "bn.0.running_var"), [1, 1])
        XCTAssertTrue(arena.gradients.allSatisfy { $0 == 0 })
    }

    func testAMomentumOfOneGivesTheExactMomentsOfSeveralPassesTogether() throws {
        let (norm, arena) = norm()
        let values = Formula.values("x", 48)
        for start in [0, 16, 32] {
            let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Array(values[start..<start + 16]))
            _ = try norm.forward(input, Pass(.training))
        }
        update(norm, momentum: 1)
        for channel in 0..<2 {
            let own = stride(from: channel, to: 48, by: 2).map { Double(values[$0]) }
            let mean = own.reduce(0, +) / 24
            let variance = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 23
            XCTAssertEqual(Double(statistic(arena, "bn.0.running_mean")[channel]), mean, accuracy: 1e-6)
            XCTAssertEqual(Double(statistic(arena, "bn.0.running_var")[channel]), variance, accuracy: 1e-6)
        }
    }

    func testEvaluationRecordsNothing() throws {
        let (norm, arena) = norm()
        let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Formula.values("x", 16))
        _ = try norm.forward(input, Pass(.evaluation))
        update(norm)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
    }
}
