import DynamicResolution
import TestSupport
import XCTest

@testable import Evaluation

/// What a budget means, and which are refused.
final class BudgetTests: XCTestCase {
    private let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [2e9, 1e9, 0.25e9], predictor: 0.1e9)
    private let milliseconds = ImageCosts(classifier: [30, 18, 7], predictor: 2)

    private func budget(_ text: String) throws -> Budget { try Budget(text) }

    func testSharesMultiplyAddsAndMillisecondsAreRead() throws {
        for (text, amount, unit) in [
            ("0.6", 0.6, .share), ("1", 1, .share), ("2.5G", 2.5e9, .multiplyAdds), ("300M", 3e8, .multiplyAdds),
            ("40K", 4e4, .multiplyAdds),
        ] as [(String, Double, Budget.Unit)] {
            XCTAssertEqual(try Budget(text), Budget(amount: amount, unit: unit), text)
        }
        XCTAssertEqual(try Budget(milliseconds: "1.5"), Budget(amount: 1.5, unit: .milliseconds))
    }

    func testWhatIsNoBudgetIsRefused() {
        for text in ["0", "-1", "2.5X", "nan", "inf", "", "G", "-2G", "1e400", "0.6 ", "2.5g", "20ms", "nanG"] {
            XCTAssertThrowsError(try Budget(text), text) { XCTAssertTrue("\($0)".contains("'\(text)' is no budget"), "\($0)") }
            XCTAssertThrowsError(try Budget(milliseconds: text), text)
        }
        XCTAssertThrowsError(try Budget(milliseconds: "2.5G"))
    }

    func testTheLimitIsInTheUnitOfTheCosts() throws {
        XCTAssertEqual(try budget("0.5").limit(.gigaFLOPs(flops)), 1)
        XCTAssertEqual(try budget("1.5G").limit(.gigaFLOPs(flops)), 1.5, accuracy: 1e-12)
        XCTAssertEqual(try Budget(milliseconds: "20").limit(milliseconds), 20)
    }

    func testBudgetsThatNoChoiceMeetsAreRefusedWithTheRange() throws {
        // With the predictor's: 0.35 to 2.1 GFLOPs, 0.175 to 1.05 of the largest, 9 to 32 ms.
        for (text, range) in [
            ("0.1749", "0.175 to 1.05 of the largest resolution's multiply-adds, the predictor's 0.05 included"),
            ("1.0501", "0.175 to 1.05 of"),
            ("349M", "350M to 2.1G, the predictor's 100M included"), ("2.11G", "350M to 2.1G"),
        ] {
            XCTAssertThrowsError(try budget(text).requireReachable(flops), text) { XCTAssertTrue("\($0)".contains(range), "\($0)") }
        }
        for text in ["8.99", "32.01"] {
            let budget = try Budget(milliseconds: text)
            XCTAssertThrowsError(try budget.limit(milliseconds), text) {
                XCTAssertTrue("\($0)".contains("9 ms to 32 ms, the predictor's 2 ms included"), "\($0)")
            }
            XCTAssertNoThrow(try budget.requireReachable(flops), "times are not known yet")
        }
        for text in ["0.175", "1.05", "350M", "2.1G"] { XCTAssertNoThrow(try budget(text).requireReachable(flops), text) }
    }

    func testTheRangeThatIsToldCanBeAskedFor() throws {
        let odd = FLOPsModel(resolutions: [96, 32], classifier: [24_883_968, 2_765_568], predictor: 1_330_873)
        do {
            try budget("9").requireReachable(odd)
            XCTFail("9 times the largest")
        } catch BudgetError.unreachable(_, let smallest, let largest, _) {
            XCTAssertEqual(smallest, "0.1647", "rounded up from 0.16462")
            for text in [smallest, String(largest.prefix { $0 != " " })] { try budget(text).requireReachable(odd) }
        }
    }

    func testTimesAreMediansOfTheLargestBatches() throws {
        let times = [(0, 4, 8.0), (0, 4, 4.0), (0, 4, 100.0), (0, 1, 90.0), (1, 4, 2.0), (1, 4, 6.0), (1, 2, 90.0), (2, 4, 1.0)].map {
            BatchTime(part: $0, images: $1, seconds: $2 / 1e3)
        }
        let costs = try XCTUnwrap(BatchTime.milliseconds(times, resolutionCount: 2, isCascade: false))
        XCTAssertEqual(costs.classifier[0], 2, accuracy: 1e-12)
        XCTAssertEqual(costs.classifier[1], 1, accuracy: 1e-12)
        XCTAssertEqual(costs.predictor, 0.25, accuracy: 1e-12)
        XCTAssertNil(
            BatchTime.milliseconds(times.filter { $0.part != 1 }, resolutionCount: 2, isCascade: false), "a resolution was not measured")
        XCTAssertNil(BatchTime.milliseconds([], resolutionCount: 2, isCascade: false))
    }

    func testANeighbouringMixHasTheCost() {
        for cost in [7.0, 7.5, 12, 18, 19, 29.9, 30] {
            let shares = milliseconds.neighbouringShares(cost: cost)
            XCTAssertEqual(shares.reduce(0, +), 1, accuracy: 1e-12)
            XCTAssertEqual(milliseconds.meanOfFixed(shares: shares), cost, accuracy: 1e-9)
            XCTAssertLessThanOrEqual(shares.filter { $0 > 0 }.count, 2)
        }
        XCTAssertEqual(milliseconds.neighbouringShares(cost: 12), [0, 5.0 / 11, 6.0 / 11])
        XCTAssertEqual(milliseconds.neighbouringShares(cost: 31), [1, 0, 0])
        XCTAssertEqual(milliseconds.neighbouringShares(cost: 1), [0, 0, 1])
    }
}
