import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

final class BatchNormStatisticsTests: XCTestCase {
    private func norm() -> (ResolutionAwareBatchNorm, ParameterArena) {
        let registry = ParameterRegistry()
        let norm = ResolutionAwareBatchNorm("bn", registry, channels: 2, resolutionCount: 2, epsilon: 1e-5, activation: .relu)
        let arena = ParameterArena(registry)
        arena.initialize(seed: 1, stream: 0)
        return (norm, arena)
    }

    private func statistic(_ arena: ParameterArena, _ name: String) -> [Float] {
        arena.statistics.first { $0.name == name }!.fileValues()
    }

    func testAResolutionWithoutImagesKeepsItsStatisticsAndParameters() throws {
        let (norm, arena) = norm()
        let statistics = StatisticsCollector(arena)
        let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Formula.values("x", 16))
        _ = try norm.forward(input, Pass(.training, resolutionIndex: 1, statistics: statistics))
        statistics.updateRunningStatistics(momentum: 0.1)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
        XCTAssertEqual(statistic(arena, "bn.0.running_var"), [1, 1])
        XCTAssertNotEqual(statistic(arena, "bn.1.running_mean"), [0, 0])
    }

    func testAnEmptySubBatchChangesNothing() throws {
        let (norm, arena) = norm()
        let statistics = StatisticsCollector(arena)
        let result = try norm.forward(Tensor(Shape(batch: 0, height: 2, width: 2, channels: 2)), Pass(.training, statistics: statistics))
        _ = try result.pullback!(Tensor(result.output.shape))
        statistics.updateRunningStatistics(momentum: 0.1)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
        XCTAssertEqual(statistic(arena, "bn.0.running_var"), [1, 1])
        XCTAssertTrue(arena.gradients.allSatisfy { $0 == 0 })
    }

    func testMomentumOfOneGivesExactMomentsOverSeveralPasses() throws {
        let (norm, arena) = norm()
        let statistics = StatisticsCollector(arena)
        let values = Formula.values("x", 48)
        for start in [0, 16, 32] {
            let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Array(values[start..<start + 16]))
            _ = try norm.forward(input, Pass(.training, statistics: statistics))
        }
        statistics.updateRunningStatistics(momentum: 1)
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
        let statistics = StatisticsCollector(arena)
        let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Formula.values("x", 16))
        _ = try norm.forward(input, Pass(.evaluation, statistics: statistics))
        statistics.updateRunningStatistics(momentum: 0.1)
        XCTAssertEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
    }

    /// A training pass without a collector, as for a probe, normalises with the statistics of its batch and records nothing.
    func testAPassWithoutACollectorRecordsNothing() throws {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 8, 8, 8]).makeNetwork(outputs: 3, resolutionCount: 2)
        network.arena.initialize(seed: 1, stream: 0)
        let statistics = StatisticsCollector(network.arena)
        let before = (Array(network.arena.values), Array(network.arena.runningStatistics))
        let shape = Shape(batch: 2, height: 32, width: 32, channels: 3)
        let images = Tensor(shape, Formula.values("x", shape.count))
        func logits(_ statistics: StatisticsCollector?) throws -> [Float] {
            try network.forward(images, Pass(.training, resolutionIndex: 1, statistics: statistics)).output.values
        }
        let unseen = try logits(nil)
        XCTAssertTrue(statistics.sums.allSatisfy { $0 == 0 })
        XCTAssertEqual(try logits(statistics), unseen, "the collector must not change the result")
        let once = statistics.sums
        XCTAssertFalse(once.allSatisfy { $0 == 0 }, "negative control")
        XCTAssertEqual(try logits(nil), unseen)
        XCTAssertEqual(statistics.sums, once)
        XCTAssertEqual(Array(network.arena.values), before.0)
        XCTAssertEqual(Array(network.arena.runningStatistics), before.1)
        XCTAssertTrue(network.arena.gradients.allSatisfy { $0 == 0 })
    }

    func testClearingStartsANewStep() throws {
        let (norm, arena) = norm()
        let statistics = StatisticsCollector(arena)
        let input = Tensor(Shape(batch: 2, height: 2, width: 2, channels: 2), Formula.values("x", 16))
        _ = try norm.forward(input, Pass(.training, statistics: statistics))
        statistics.updateRunningStatistics(momentum: 0.1)
        let updated = Array(arena.runningStatistics)
        XCTAssertNotEqual(statistic(arena, "bn.0.running_mean"), [0, 0])
        statistics.clear()
        statistics.updateRunningStatistics(momentum: 0.1)
        XCTAssertEqual(Array(arena.runningStatistics), updated)
    }

    /// In single precision, E[x²] − E[x]² has an error of 0.06 here; the variance is 0.01.
    func testVarianceIsAccurateWithAMeanMuchLargerThanTheDeviation() throws {
        let (norm, arena) = norm()
        let shape = Shape(batch: 4, height: 16, width: 16, channels: 2)
        let statistics = StatisticsCollector(arena)
        let values = Formula.values("x", shape.count).map { 1000 + 0.1 * Float(3).squareRoot() * $0 }
        var scale: [Float] = []
        for _ in 0..<30 {
            let pass = Pass(.training, statistics: statistics)
            let sums = ChannelSums(slots: 1, channels: 2, rowsPerImage: 256, .test)
            let input = Tensor(shape, values)
            sums.addMoments(0, 0..<shape.pixels, 0..<2, of: .float32(input.data), shift: norm.shift(pass))
            let factors = try norm.trainingNormalization(sums.total, count: shape.pixels, pass).factors
            scale = (0..<2).map { factors.scale[$0] }
            statistics.updateRunningStatistics(momentum: 0.5)
            statistics.clear()
        }
        for channel in 0..<2 {
            let own = stride(from: channel, to: values.count, by: 2).map { Double(values[$0]) }
            let mean = own.reduce(0, +) / Double(own.count)
            let squares = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            XCTAssertEqual(Double(statistic(arena, "bn.0.running_mean")[channel]), mean, accuracy: 1e-3)
            let unbiased = squares / Double(own.count - 1)
            XCTAssertEqual(Double(statistic(arena, "bn.0.running_var")[channel]) / unbiased, 1, accuracy: 1e-4)
            let inverseDeviation = 1 / (squares / Double(own.count) + 1e-5).squareRoot()
            XCTAssertEqual(Double(scale[channel]) / inverseDeviation, 1, accuracy: 1e-4)
        }
    }
}
