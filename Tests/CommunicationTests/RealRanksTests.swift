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

    func testSumsInTheBackgroundAreCorrectAndHaveTheSameBitsOnEveryRankAndInEveryRun() throws {
        for (mode, ranks) in [("background", 1), ("background", 2), ("background", 3), ("ring", 4)] {
            let results = try (0..<2).map { _ in try run(ranks: ranks, mode) }
            XCTAssertEqual(results[0].status, 0, results[0].text)
            XCTAssertEqual(results[0].output, results[1].output, "\(mode), \(ranks) ranks")
            XCTAssertTrue(results[0].output.hasPrefix("\(ranks > 1) true true true\n"), results[0].text)
        }
    }

    func testSumsThatTravelInBFloat16HaveTheSameBitsOnEveryRankAndInEveryRun() throws {
        for (mode, ranks) in [("ring", 2), ("ring", 3), ("ring", 4)] {
            let results = try (0..<2).map { _ in try run(ranks: ranks, mode, environment: ["CHECK_BFLOAT16": "1"]) }
            XCTAssertEqual(results[0].status, 0, results[0].text)
            XCTAssertEqual(results[0].output, results[1].output, "\(mode), \(ranks) ranks")
            XCTAssertTrue(results[0].output.hasPrefix("true true true true\n"), results[0].text)
            XCTAssertNotEqual(results[0].output, try run(ranks: ranks, mode).output, "the numbers are rounded")
        }
    }

    func testSumsInTheBackgroundWorkBetweenHosts() throws {
        try withSimulatedHosts(2) { hosts in
            for ranks in [[1, 1], [2, 1], [2, 2]] {
                let result = try hosts.call([
                    "run", "0", "mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--host", hosts.list(ranks: ranks),
                    "-n", "\(ranks.reduce(0, +))", try builtExecutable(named: "communication-check"), "background",
                ])
                XCTAssertTrue(result.output.hasPrefix("true true true true\n"), "\(ranks): \(result.text)")
            }
        }
    }

    func testTwoRanksHaveTheBitsOfTheLibrarysSums() throws {
        let library = try run(ranks: 2, "sums").output.split(separator: "\n").compactMap { $0.split(separator: " ").last }
        let background = try run(ranks: 2, "background").output.split(separator: "\n").last?.split(separator: " ").map { $0 }
        XCTAssertEqual(background, library)
        XCTAssertEqual(library.count, 5)
    }

    func testARankThatNeverBeginsASumEndsTheJob() throws {
        let (error, _) = try lateRank(ranks: 2, "stuck-background")
        XCTAssertTrue(error.contains("rank 1 on \(ProcessInfo.processInfo.hostName) has made no progress for 2 s"), error)
        XCTAssertTrue(error.contains("waits in MPI_Isend and MPI_Irecv (gradients)"), error)
    }

    func testTextsOfDifferentLengthsArriveComplete() throws {
        let result = try run(ranks: 3, "broadcast")
        XCTAssertEqual(result.output, "from the root|xfrom the root|xxfrom the root\n", result.text)
    }

    func testPartsOfDifferentLengthsReachTheirRanks() throws {
        for ranks in [1, 2, 3, 4] {
            let result = try run(ranks: ranks, "exchange")
            let line = [String](repeating: "true", count: ranks).joined(separator: " ") + "\n"
            XCTAssertEqual(result.output, line + line, result.text)
        }
    }

    /// Runs a job in which rank 1 is late. Returns its only error line.
    private func lateRank(
        ranks: Int, _ mode: String, timeout: Double = 2, environment: [String: String] = [:], line: UInt = #line
    ) throws -> (error: String, result: ProcessRunner.Result) {
        let start = Date()
        let result = try run(ranks: ranks, mode, environment: ["TEST_TIMEOUT": "\(timeout)"].merging(environment) { $1 })
        XCTAssertLessThan(Date().timeIntervalSince(start), timeout + 15, mode, line: line)
        XCTAssertFalse(result.timedOut, mode, line: line)
        XCTAssertEqual(result.status, 69, result.text, line: line)
        let errors = result.text.split(separator: "\n").filter { $0.contains("drnet: error: ") }
        XCTAssertEqual(errors.count, 1, "\(mode): \(result.text)", line: line)
        return (errors.first.map(String.init) ?? "", result)
    }

    func testOneMessageNamesTheStuckRankItsHostAndPlaceAndWhoWaits() throws {
        let host = ProcessInfo.processInfo.hostName
        for mode in ["stuck", "stuck-serialized"] {
            let (error, _) = try lateRank(ranks: 3, mode)
            XCTAssertTrue(error.contains("rank 1 on \(host) has made no progress for 2 s, computing in step 17: "), error)
            XCTAssertTrue(error.contains("ranks 0, 2 wait in MPI_Barrier (the meeting)"), error)
            XCTAssertTrue(error.contains("uses no processor time"), error)
        }
    }

    func testStoppedAndBusyRanksAreToldApart() throws {
        let stopped = try lateRank(ranks: 2, "stopped").error
        XCTAssertTrue(stopped.contains("its process is stopped, as by SIGSTOP; rank 0 waits"), stopped)
        let busy = try lateRank(ranks: 2, "busy", timeout: 4).error
        XCTAssertTrue(busy.contains("% of a core: it is slow, or in an endless loop"), busy)
    }

    func testTheWatchdogCallsMPIOnlyIfMPIPermitsConcurrentThreads() throws {
        let sign = "communication-check: MPI_Abort(69)"
        let multiple = try lateRank(ranks: 2, "stuck").result
        XCTAssertTrue(multiple.text.contains(sign), multiple.text)
        let serialized = try lateRank(ranks: 2, "stuck-serialized").result
        XCTAssertFalse(serialized.text.contains(sign), serialized.text)
    }

    func testARankThatSavesHasItsOwnLimit() throws {
        let slow = try run(ranks: 2, "saving", environment: ["TEST_TIMEOUT": "1"])
        XCTAssertEqual(slow.status, 0, slow.text)
        XCTAssertTrue(slow.output.contains("met"), slow.text)
        let error = try lateRank(ranks: 2, "saving", timeout: 1, environment: ["TEST_SAVE_TIMEOUT": "2"]).error
        XCTAssertTrue(error.contains("no progress for 2 s, saving to the run folder in step 17"), error)
        XCTAssertTrue(error.contains("raise communication.saveTimeoutSeconds"), error)
    }

    func testASlowRankThatMakesProgressIsWaitedFor() throws {
        let result = try run(ranks: 2, "evaluating", environment: ["TEST_TIMEOUT": "2"])
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertTrue(result.output.contains("met"), result.text)
    }

    func testRanksThatAreAllSuspendedLongerThanTheTimeoutGoOn() throws {
        var resumeAt: Date?
        var suspensions = 0
        let result = try ProcessRunner.mpirun(
            ranks: 2, try builtExecutable(named: "communication-check"), ["meetings"], environment: ["TEST_TIMEOUT": "2"], timeout: 60
        ) { process in
            let ranks = ProcessRunner.children(of: process.processIdentifier)
            if let end = resumeAt, Date() > end {
                ranks.forEach { kill($0, SIGCONT) }
                resumeAt = nil
                suspensions += 1
            } else if resumeAt == nil, suspensions == 0, ranks.count == 2, ProcessRunner.age(of: process) > 2.5 {
                ranks.forEach { kill($0, SIGSTOP) }
                resumeAt = Date().addingTimeInterval(6)
            }
        }
        XCTAssertEqual(suspensions, 1, "the ranks were suspended")
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertTrue(result.output.contains("met"), result.text)
    }

    func testARankThatDoesNotStartEndsTheOthersAndIsNamed() throws {
        let (error, result) = try lateRank(ranks: 3, "stopped-at-start", environment: ["DRNET_START_TIMEOUT": "3"])
        let host = ProcessInfo.processInfo.hostName
        XCTAssertTrue(
            error.contains("on \(host): MPI_Init_thread has not finished after 3 s: rank 1 on this host is stopped"), result.text)
    }

    func testARankThatDoesNotReachTheEndOfTheJobIsNamed() throws {
        let (error, _) = try lateRank(ranks: 2, "stuck-at-the-end", timeout: 60, environment: ["DRNET_START_TIMEOUT": "3"])
        XCTAssertTrue(error.contains("rank 1 on"), error)
        XCTAssertTrue(error.contains("rank 0 waits in MPI_Finalize (end of the job)"), error)
    }

    func testAFatalSignalLeavesARecord() throws {
        for (name, beginning) in [("SIGSEGV", "SIGSEGV: "), ("SIGABRT", "SIGABRT: "), ("trap", "SIG")] {
            try withTemporaryFolder { folder in
                let result = try ProcessRunner.mpirun(
                    ranks: 2, try builtExecutable(named: "communication-check"), ["crash", folder + "/crashes"],
                    environment: ["TEST_SIGNAL": name], timeout: 60)
                XCTAssertNotEqual(result.status, 0, result.text)
                XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder + "/crashes"), ["rank-1.json"])
                let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/crashes/rank-1.json"))
                let record = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
                XCTAssertEqual(record["rank"] as? Int, 1)
                XCTAssertEqual(record["host"] as? String, ProcessInfo.processInfo.hostName)
                XCTAssertEqual(record["version"] as? String, "1.2.3")
                XCTAssertEqual(record["context"] as? String, "step 18 (a \"stage\")")
                XCTAssertEqual(record["phase"] as? String, "computing")
                XCTAssertEqual(record["kind"] as? String, "signal")
                XCTAssertTrue((record["reason"] as? String)?.hasPrefix(beginning) ?? false, "\(record)")
                let time = try XCTUnwrap((record["time"] as? String).flatMap(ISO8601DateFormatter().date))
                XCTAssertEqual(time.timeIntervalSinceNow, 0, accuracy: 120)
            }
        }
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
