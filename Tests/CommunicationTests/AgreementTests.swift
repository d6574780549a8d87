import Foundation
import XCTest

@testable import Communication

/// Tests how ranks agree on failures.
final class AgreementTests: XCTestCase {
    private struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Runs `body` as the local work of each rank, and returns the lines that each rank reports.
    private func lines(ranks: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws -> [[String]] {
        let lock = NSLock()
        nonisolated(unsafe) var all = [[String]](repeating: [], count: ranks)
        try InMemoryCommunicator.run(rankCount: ranks) { communicator in
            do {
                try communicator.agree(label: "work") { try body(communicator.rank) }
            } catch let failure as AgreedFailure {
                lock.withLock { all[communicator.rank] = failure.lines }
            }
            // The ranks are still together.
            try communicator.barrier(label: "after the agreement")
        }
        return all
    }

    func testEveryRankGetsItsOwnValue() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            XCTAssertEqual(try communicator.agree(label: "work") { communicator.rank * 10 }, communicator.rank * 10)
        }
    }

    func testAProblemOfAllRanksIsOneLine() throws {
        XCTAssertEqual(try lines(ranks: 3) { _ in throw Failure(description: "no file") }, Array(repeating: ["no file"], count: 3))
    }

    func testAProblemOfSomeRanksNamesThemAndTheirHost() throws {
        let one = try lines(ranks: 4) { if $0 == 2 { throw Failure(description: "no file") } }
        XCTAssertEqual(one, Array(repeating: ["rank 2 on memory: no file"], count: 4))
        let some = try lines(ranks: 4) { if $0 != 1 { throw Failure(description: $0 == 0 ? "no file" : "no room") } }
        XCTAssertEqual(some[3], ["rank 0 on memory: no file", "ranks 2–3 on memory: no room"])
    }

    func testEachOfSeveralProblemsIsALine() throws {
        XCTAssertEqual(try lines(ranks: 2) { _ in throw Failure(description: "first\nsecond") }[1], ["first", "second"])
        let one = try lines(ranks: 2) { if $0 == 1 { throw Failure(description: "first\nsecond") } }
        XCTAssertEqual(one[0], ["rank 1 on memory: first", "rank 1 on memory: second"])
    }

    func testManyHostsAreCounted() {
        let parts = [(4, "a"), (5, "b"), (6, "c")].map { AgreedFailure.Part(rank: $0, host: $1, text: "no file") }
        XCTAssertEqual(AgreedFailure(parts) { $0 == 8 }.lines, ["ranks 4–6 on a and 2 other hosts: no file"])
        XCTAssertEqual(AgreedFailure(Array(parts.prefix(2))) { $0 == 8 }.lines, ["ranks 4–5 on a and 1 other host: no file"])
    }

    func testRankZeroAloneWorksAndItsFailureIsTheJobs() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let value = try communicator.onRankZero(label: "work") { communicator.rank + 7 }
            XCTAssertEqual(value, communicator.rank == 0 ? 7 : nil)
            XCTAssertThrowsError(
                try communicator.onRankZero(label: "work") { throw Failure(description: "rank \(communicator.rank) has no room") }
            ) {
                XCTAssertEqual(($0 as? AgreedFailure)?.lines, ["rank 0 has no room"])
            }
            try communicator.barrier(label: "after the agreement")
        }
    }

    func testASingleProcessThrowsTheErrorItself() {
        XCTAssertThrowsError(try SingleProcess().agree(label: "work") { throw Failure(description: "no file") }) {
            XCTAssertTrue($0 is Failure)
        }
        XCTAssertThrowsError(try SingleProcess().onRankZero(label: "work") { throw Failure(description: "no file") }) {
            XCTAssertTrue($0 is Failure)
        }
    }

    func testFoundationsErrorsBecomePathAndReason() throws {
        for (path, reason) in [("/nowhere/file", "No such file"), ("/", "directory")] {
            XCTAssertThrowsError(try Data(contentsOf: URL(fileURLWithPath: path))) {
                let text = ErrorText.describe($0)
                XCTAssertTrue(text.hasPrefix("\(path): ") && text.lowercased().contains(reason.lowercased()), text)
                XCTAssertFalse(text.contains("Cocoa") || text.contains("Domain"), text)
            }
        }
        XCTAssertEqual(ErrorText.describe(POSIXError(.ENOSPC)), "No space left on device")
        XCTAssertEqual(ErrorText.describe(Failure(description: "no file")), "no file")
    }
}
