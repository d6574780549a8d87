import Foundation
import TestSupport
import XCTest

/// Runs with `deterministic: true` have the same bits at any number of ranks.
final class DeterministicRunTests: XCTestCase {
    private func setting(_ values: String...) -> [String] { values.flatMap { ["--set", $0] } }

    private var deterministic: [String] {
        setting("deterministic=true", "kernels.products=tiles", "stages.warmUp.epochs=1", "stages.fineTune.epochs=2")
    }

    func testAnyNumberOfRanksGivesTheSameBits() throws {
        try withSmallRun { run in
            try run.complete("one", deterministic)
            let expected = try run.weights("one")
            for ranks in [2, 3, 4] {
                try run.complete("ranks-\(ranks)", ranks: ranks, deterministic)
                XCTAssertTrue(try run.weights("ranks-\(ranks)") == expected, "\(ranks) ranks")
                XCTAssertEqual(run.losses("ranks-\(ranks)"), run.losses("one"), "\(ranks) ranks")
            }
            // The control: without the key, the order of the additions depends on the number of ranks.
            let usual = deterministic + setting("deterministic=false")
            try run.complete("usual-1", usual)
            try run.complete("usual-2", ranks: 2, usual)
            XCTAssertFalse(try run.weights("usual-1") == run.weights("usual-2"), "negative control")
        }
    }

    func testLocalBatchNormsAndAccumulationHaveTheSameBitsToo() throws {
        try withSmallRun { run in
            let options =
                deterministic
                + setting(
                    "batchNorm.mode=local", "communication.logicalRanks=2", "optimizer.accumulationSteps=2", "stages.fineTune.epochs=1",
                    "policy.estimator=expected", "data.augmentation.mixup=0.5")
            try run.complete("one", options)
            try run.complete("two", ranks: 2, options)
            XCTAssertTrue(try run.weights("one") == run.weights("two"))
        }
    }

    func testAKilledRunContinuesOnOtherRanksWithTheSameBits() throws {
        try withSmallRun { run in
            try run.complete("whole", deterministic)
            try run.cut("whole", to: "cut", afterStep: 8)
            try run.complete("cut", ranks: 3, deterministic + ["--resume"])
            XCTAssertTrue(try run.weights("cut") == run.weights("whole"))
        }
    }

    func testRanksThatDoNotDivideTheLogicalRanksAreRefusedOnce() throws {
        try withSmallRun { run in
            let result = try run.train("refused", ranks: 2, deterministic + setting("communication.logicalRanks=9"))
            XCTAssertEqual(result.status, 1, result.text)
            let lines = result.errors.split(separator: "\n").filter { $0.contains("communication.logicalRanks is 9") }
            XCTAssertEqual(lines.count, 1, result.text)
            XCTAssertFalse(try run.train("measured", deterministic + setting("kernels.products=auto")).status == 0)
        }
    }
}
