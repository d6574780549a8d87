import Foundation
import TestSupport
import XCTest

/// A short version of launch/chaos.
final class ChaosTests: XCTestCase {
    func testDisturbedRunsEndInTimeAndContinueExactly() throws {
        let result = try ProcessRunner.run(
            "/bin/bash", [repositoryRoot + "/launch/chaos", "--runs", "3", "--seed", "18"],
            environment: ["DRNET": try builtExecutable(named: "drnet"), "CHAOS_SLACK": "60"], timeout: 500)
        print(result.text)
        XCTAssertFalse(result.timedOut, result.text)
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertTrue(result.output.contains("hangs 0, lost 0, different 0 (seed 18)"), result.text)
        XCTAssertEqual(result.output.components(separatedBy: ": ok\n").count, 4, result.text)
    }

    func testBrokenPromisesAreFound() throws {
        let result = try ProcessRunner.run(
            "/bin/bash", [repositoryRoot + "/launch/chaos", "--self-check"],
            environment: ["DRNET": try builtExecutable(named: "drnet"), "CHAOS_SLACK": "60"], timeout: 900)
        print(result.text)
        XCTAssertFalse(result.timedOut, result.text)
        XCTAssertEqual(result.status, 0, result.text)
        for promise in ["lose", "best", "damage", "change", "hang", "orphan"] {
            XCTAssertTrue(result.output.contains("\(promise): found"), result.text)
        }
    }

    func testWrongOptionsAreRefused() throws {
        for (arguments, reason) in [
            (["--runs", "many"], "--runs takes"), (["--hosts", "9"], "--hosts takes"), (["--x", "1"], "no option"),
            (["--way", "explode"], "--way takes"), (["--way", "cut"], "needs --hosts"), (["--moment", "now"], "--moment takes"),
        ] {
            let result = try ProcessRunner.run("/bin/bash", [repositoryRoot + "/launch/chaos"] + arguments, timeout: 20)
            XCTAssertEqual(result.status, 64, result.text)
            XCTAssertTrue(result.errors.contains(reason), result.errors)
        }
    }
}
