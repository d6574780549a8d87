import DynamicResolution
import Foundation
import TestSupport
import XCTest

@testable import Configuration
@testable import Training

final class PolicyStateTests: XCTestCase {
    private func report(shares: [Double], entropy: Double = 0.5, cost: Double = 50) -> StepReport {
        var report = StepReport(resolutionCount: shares.count)
        report.images = 10
        report.routed = shares.map { 10 * $0 }
        report.entropySum = 10 * entropy
        report.costSum = 10 * cost
        return report
    }

    func testRunningMeansArePlainOnesAtFirstAndThenForget() {
        var state = PolicyState()
        for cost in [10.0, 20, 60] { state.add(report(shares: [0.5, 0.5], cost: cost)) }
        XCTAssertEqual(state.cost, 30, accuracy: 1e-9)
        for _ in 3..<PolicyState.window { state.add(report(shares: [0.5, 0.5], cost: 30)) }
        state.add(report(shares: [1, 0], entropy: 0, cost: 50))
        XCTAssertEqual(state.cost, 30 + 20 / Double(PolicyState.window), accuracy: 1e-9)
        XCTAssertEqual(state.shares[0], 0.5 + 0.5 / Double(PolicyState.window), accuracy: 1e-9)
        XCTAssertEqual(state.entropy, 0.5 - 0.5 / Double(PolicyState.window), accuracy: 1e-9)
    }

    func testTheMultiplierRisesAboveTheTargetFallsBelowAndIsNeverNegative() {
        let regularizer = FLOPsRegularizer(.lagrangian, weight: 1, target: 50, costs: [90, 40, 10])
        var state = PolicyState()
        state.add(report(shares: [1, 0, 0], cost: 90))
        state.ascend(regularizer, start: 0.25, rate: 0.1)
        XCTAssertEqual(state.multiplier ?? .nan, 0.3, accuracy: 1e-12, "0.25 + 0.1 · (90 − 50) / 80")
        for _ in 0..<200 {
            state.add(report(shares: [0, 0, 1], cost: 10))
            state.ascend(regularizer, start: 0.25, rate: 0.1)
        }
        XCTAssertEqual(state.multiplier, 0)
    }

    /// The multiplier finds the weight at which minimising loss + weight · cost meets the target.
    func testDualAscentMeetsTheTarget() {
        let regularizer = FLOPsRegularizer(.lagrangian, weight: 0, target: 40, costs: [90, 40, 10])
        var state = PolicyState()
        for _ in 0..<4000 {
            // Images whose gain by a unit of cost is spread over 0 … 2 take the largest resolution where it is above the multiplier.
            let share = max(0, min(1, 1 - (state.multiplier ?? 0) / 2))
            state.add(report(shares: [share, 0, 1 - share], cost: 10 + 80 * share))
            state.ascend(regularizer, start: 0, rate: 0.02)
        }
        XCTAssertEqual(state.cost, 40, accuracy: 0.5)
        XCTAssertEqual(state.multiplier ?? .nan, 1.25, accuracy: 0.02)
    }

    func testACheckpointKeepsEveryBit() throws {
        var state = PolicyState()
        state.add(report(shares: [1.0 / 3, 0.7, 0.1], entropy: 0.1, cost: 1e9 / 7))
        state.ascend(FLOPsRegularizer(.lagrangian, weight: 1, target: 1e8, costs: [1e9, 1e7, 1e6]), start: 0.1, rate: 0.3)
        state.openCollapses = [.noEntropy]
        XCTAssertEqual(try JSONDecoder().decode(PolicyState.self, from: JSONEncoder().encode(state)), state)
    }

    // MARK: - Collapse

    private func monitor(_ overrides: [String] = []) throws -> CollapseMonitor {
        let configuration = try TrainingConfiguration.load(path: "\(repositoryRoot)/configs/quickstart.yaml", overrides: overrides)
        return CollapseMonitor(resolutions: [96, 64, 32], policy: configuration.policy, target: 50)
    }

    /// The warnings of `steps` equal steps, with the state going on.
    private func warnings(_ monitor: CollapseMonitor, _ state: inout PolicyState, _ steps: Int, _ report: StepReport) -> [String] {
        var warnings: [String] = []
        for _ in 0..<steps {
            state.add(report)
            warnings += monitor.warnings(&state)
        }
        return warnings
    }

    func testAHealthyPolicyIsLeftAlone() throws {
        let monitor = try monitor()
        var state = PolicyState()
        XCTAssertEqual(warnings(monitor, &state, 200, report(shares: [0.4, 0.3, 0.3], entropy: 0.9)), [])
        XCTAssertEqual(warnings(monitor, &state, 200, report(shares: [0.05, 0.9, 0.05], entropy: 0.1)), [], "a strong preference is none")
        // One odd step of a small batch.
        XCTAssertEqual(warnings(monitor, &state, 1, report(shares: [0, 1, 0], entropy: 0)), [])
    }

    func testACollapseIsToldOnceAndAgainOnlyAfterItHadEnded() throws {
        let monitor = try monitor(["policy.batchNormImages=routed"])
        var state = PolicyState()
        let first = warnings(monitor, &state, 300, report(shares: [0, 1, 0], entropy: 0))
        XCTAssertEqual(first.count, 1, "one for both signs: \(first)")
        XCTAssertTrue(first[0].hasPrefix("100.0 % of the images of the last steps went to 64 pixels"), first[0])
        XCTAssertTrue(first[0].contains("policy.batchNormImages all") && first[0].contains("policy.entropyWeight 0.2,"), first[0])
        var resumed = try JSONDecoder().decode(PolicyState.self, from: JSONEncoder().encode(state))
        XCTAssertEqual(warnings(monitor, &resumed, 50, report(shares: [0, 1, 0], entropy: 0)), [], "a resumed run knows")
        XCTAssertEqual(warnings(monitor, &state, 100, report(shares: [0.3, 0.4, 0.3], entropy: 0.9)), [])
        XCTAssertEqual(warnings(monitor, &state, 300, report(shares: [0, 1, 0], entropy: 0)).count, 1)
    }

    func testWhileCostsDoNotPressTheLargestResolutionMayTakeAll() throws {
        let monitor = try monitor()
        for (shares, expected) in [([1.0, 0, 0], 0), ([0, 0, 1], 1)] {
            var state = PolicyState()
            for _ in 0..<30 { state.add(report(shares: shares, entropy: 0)) }
            XCTAssertEqual(monitor.warnings(&state, penaltyIsFull: false).count, expected)
        }
        var state = PolicyState()
        for _ in 0..<30 { state.add(report(shares: [1, 0, 0], entropy: 0)) }
        XCTAssertEqual(monitor.warnings(&state).count, 1)
    }

    func testNothingIsJudgedBeforeThereIsAMean() throws {
        var state = PolicyState()
        let monitor = try monitor()
        XCTAssertEqual(warnings(monitor, &state, PolicyState.window - 1, report(shares: [0, 1, 0], entropy: 0)), [])
        XCTAssertEqual(warnings(monitor, &state, 1, report(shares: [0, 1, 0], entropy: 0)).count, 1)
    }

    func testAnEntropyThatIsGoneIsToldThoughResolutionsDiffer() throws {
        var state = PolicyState()
        let found = warnings(try monitor(), &state, 300, report(shares: [0.4, 0.2, 0.4], entropy: 0))
        XCTAssertEqual(found.count, 1)
        XCTAssertTrue(found[0].hasPrefix("the policy has lost its entropy (0.0 % of the maximum)"), found[0])
    }

    func testTheAdviceFollowsTheConfiguration() throws {
        func advice(_ overrides: [String], _ shares: [Double], cost: Double) throws -> String {
            var state = PolicyState()
            return try XCTUnwrap(warnings(try monitor(overrides), &state, 30, report(shares: shares, cost: cost)).first)
        }
        XCTAssertTrue(
            try advice(["policy.estimator=straight-through"], [0, 0, 1], cost: 10).contains("policy.estimator expected, probe or dense"))
        XCTAssertTrue(try advice([], [0, 0, 1], cost: 10).contains("policy.flopsPenalty two-sided"))
        let above = try advice(["policy.estimator=dense"], [1, 0, 0], cost: 90)
        XCTAssertTrue(
            above.contains("a larger policy.flopsWeight") && !above.contains("two-sided") && !above.contains("batchNormImages"), above)
    }
}
