import Foundation
import TestSupport
import XCTest

/// Tests with real ranks under mpirun.
final class RealRanksTests: XCTestCase {
    private func run(ranks: Int, _ mode: String, environment: [String: String] = [:]) throws -> ProcessRunner.Result {
        try ProcessRunner.mpirun(
            ranks: ranks, try builtExecutable(named: "communication-check"), [mode], environment: environment, timeout: 30)
    }

    func testSumsAreCorrectAndHaveTheSameBitsOnEveryRankAndInEveryRun() throws {
        for ranks in [1, 2, 3] {
            let results = try (0..<2).map { _ in try run(ranks: ranks, "sums") }
            XCTAssertEqual(results[0].status, 0, results[0].text)
            XCTAssertEqual(results[0].output, results[1].output, "\(ranks) ranks")
            let lines = results[0].output.split(separator: "\n")
            XCTAssertEqual(lines.count, 5, results[0].text)
            for line in lines { XCTAssertTrue(line.contains(" true true "), "\(ranks) ranks: \(line)") }
        }
    }

    func testTextsOfDifferentLengthsArriveComplete() throws {
        let result = try run(ranks: 3, "broadcast")
        XCTAssertEqual(result.output, "from the root|xfrom the root|xxfrom the root\n", result.text)
    }

    func testAStuckRankEndsTheJobAndTheMessageNamesRankHostStepAndCollective() throws {
        for mode in ["stuck", "stuck-serialized"] {
            let start = Date()
            let result = try run(ranks: 2, mode)
            // The timeout is 1 s, and MPI_Abort can take another 5 s.
            XCTAssertLessThan(Date().timeIntervalSince(start), 12, mode)
            XCTAssertFalse(result.timedOut, mode)
            XCTAssertEqual(result.status, 1, result.text)
            let host = ProcessInfo.processInfo.hostName
            let message = "rank 0 on \(host), step 17: MPI_Barrier (the meeting) has not finished after 1 s"
            XCTAssertTrue(result.errors.contains(message), "\(mode): no '\(message)' in: \(result.text)")
        }
    }

    func testTheWatchdogCallsMPIOnlyIfMPIPermitsConcurrentThreads() throws {
        let sign = "communication-check: MPI_Abort(1)"
        let multiple = try run(ranks: 2, "stuck")
        XCTAssertTrue(multiple.text.contains(sign), multiple.text)
        let serialized = try run(ranks: 2, "stuck-serialized")
        XCTAssertFalse(serialized.text.contains(sign), serialized.text)
    }

    func testADeadRankEndsTheJob() throws {
        let result = try run(ranks: 2, "dying")
        XCTAssertFalse(result.timedOut)
        XCTAssertNotEqual(result.status, 0)
    }

    func testTheCoreMapWarnsAboutTooManyRanks() throws {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let crowded = try run(ranks: cores + 1, "cores")
        XCTAssertTrue(crowded.output.contains("oversubscribed"), crowded.text)
        XCTAssertTrue(try run(ranks: 1, "cores").output.contains("no warning"))
    }

    func testASingleProcessNeedsNoMPI() throws {
        let result = try ProcessRunner.run(
            try builtExecutable(named: "communication-check"), ["sums"], environment: ["PATH": "/nowhere"], timeout: 30)
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertEqual(result.output.split(separator: "\n").count, 5)
    }
}
