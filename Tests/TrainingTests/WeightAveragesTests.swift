import DynamicResolution
import NeuralNetwork
import TestSupport
import XCTest

@testable import Training

final class WeightAveragesTests: XCTestCase {
    /// AveragedModel with `use_buffers`, and the decay min(0.6, (1 + t) / (10 + t)) after a copy.
    func testAveragesOfWeightsAndStatisticsMatchPyTorch() throws {
        let fixture = try Fixture("optimizer")
        let (weights, statistics) = (try fixture("averages.weight"), try fixture("averages.statistic"))
        let model = smallModel()
        let averages = WeightAverages(of: model, decay: 0.6, context: .test)
        for step in 0..<30 {
            for (index, network) in model.networks.enumerated() {
                for number in 0..<5 {
                    network.arena.values[100 * index + number] = Formula.values("average.weight\(step)", 5)[number]
                    network.arena.runningStatistics[number] = Formula.values("average.statistic\(step)", 5)[number]
                }
            }
            averages.update(after: step)
            for (index, network) in averages.model.networks.enumerated() {
                let average = (0..<5).map { network.arena.values[100 * index + $0] }
                assertClose(average, Array(weights[5 * step..<5 * step + 5]), "weights of step \(step)")
                let statistic = Array(network.arena.runningStatistics.prefix(5))
                assertClose(statistic, Array(statistics[5 * step..<5 * step + 5]), "statistics of step \(step)")
            }
        }
    }

    func testTheDecayRisesToItsValue() {
        let decays = [0, 1, 10, 1000, 1_000_000].map { WeightAverages.decay(0.999, after: $0) }
        XCTAssertEqual(decays, [0, 2.0 / 11, 0.55, 1001.0 / 1010, 0.999])
    }

    func testAveragesOfConstantWeightsKeepEveryBit() {
        let model = smallModel()
        let averages = WeightAverages(of: model, decay: 0.9, context: .test)
        for step in 0..<20 { averages.update(after: step) }
        for (average, network) in zip(averages.model.networks, model.networks) {
            XCTAssertTrue(Array(average.arena.values) == Array(network.arena.values))
            XCTAssertTrue(Array(average.arena.runningStatistics) == Array(network.arena.runningStatistics))
        }
    }

    func testAveragesBecomeTheWeightsOfTheNextStage() {
        let model = smallModel()
        let averages = WeightAverages(of: model, decay: 0.9, context: .test)
        let before = Array(model.classifier.arena.values)
        model.classifier.arena.values.update(repeating: 3)
        averages.handOver()
        XCTAssertTrue(Array(model.classifier.arena.values) == before)
        model.classifier.arena.values.update(repeating: 3)
        averages.restart()
        XCTAssertTrue(averages.model.classifier.arena.values.allSatisfy { $0 == 3 })
    }
}
