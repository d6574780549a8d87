import TestSupport
import XCTest

@testable import Interchange

final class FolderLockTests: XCTestCase {
    private let timing = FolderLock.Timing(heartbeat: 0.1, expiry: 1)

    private func lock(_ folder: String, as owner: LockOwner = .current(), note: (String) -> Void = { XCTFail($0) }) throws -> FolderLock {
        try FolderLock(folder: folder, owner: owner, timing: timing, note: note)
    }

    /// A process of another host, from which this host's processes cannot be seen.
    private var elsewhere: LockOwner {
        var owner = LockOwner.current()
        owner.host = "elsewhere"
        return owner
    }

    private func names(_ folder: String) throws -> [String] { try DurableFile.names(in: folder).sorted() }

    func testASecondProcessIsRefusedAtOnceAndTheHolderIsNamed() throws {
        try withTemporaryFolder { folder in
            let held = try lock(folder)
            let start = Date()
            XCTAssertThrowsError(try lock(folder)) {
                let text = "\($0)"
                for part in ["lock.json", "process \(getpid())", ProcessInfo.processInfo.hostName, "started 20", "--run-folder"] {
                    XCTAssertTrue(text.contains(part), text)
                }
            }
            XCTAssertLessThan(Date().timeIntervalSince(start), 0.5)
            held.release()
            XCTAssertEqual(try names(folder), [])
            try lock(folder).release()
        }
    }

    func testTheLockOfAProcessThatIsGoneIsReplacedAtOnce() throws {
        try withTemporaryFolder { folder in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/true")
            try process.run()
            process.waitUntilExit()
            var gone = LockOwner.current()
            gone.pid = process.processIdentifier
            var reused = LockOwner.current()
            reused.processStart = "1"
            for owner in [gone, reused] {
                try JSON.write(owner, to: folder + "/lock.json")
                var notes: [String] = []
                let start = Date()
                let taken = try lock(folder) { notes.append($0) }
                XCTAssertLessThan(Date().timeIntervalSince(start), 0.5)
                XCTAssertEqual(notes.count, 1)
                XCTAssertTrue(notes.first?.contains("left behind by process \(owner.pid)") ?? false, "\(notes)")
                try taken.requireHeld()
                taken.release()
            }
        }
    }

    func testAHeartbeatFromAnotherHostRefusesAndItsEndFreesTheLock() throws {
        try withTemporaryFolder { folder in
            let held = try lock(folder)
            var notes: [String] = []
            XCTAssertThrowsError(try lock(folder, as: elsewhere) { notes.append($0) }) { XCTAssertTrue($0 is FolderLockError, "\($0)") }
            XCTAssertTrue(notes.first?.contains("waiting up to 1 s") ?? false, "\(notes)")
            held.release()

            // The other host's process was killed: its lock stays, without a heartbeat.
            var other = LockOwner.current()
            other.host = "gone"
            for contents in [try JSON.encode(other, .indented), Data()] {
                try contents.write(to: URL(fileURLWithPath: folder + "/lock.json"))
                notes = []
                let start = Date()
                let taken = try lock(folder) { notes.append($0) }
                XCTAssertGreaterThan(Date().timeIntervalSince(start), 0.5, "the heartbeat had time to come")
                XCTAssertTrue(notes.last?.contains("left behind") ?? false, "\(notes)")
                taken.release()
            }
        }
    }

    /// Containers on one host have the same name of the host and the same boot, and do not see each other's processes.
    func testAProcessOfAnotherNamespaceOrBootIsJudgedByItsHeartbeat() throws {
        var observer = LockOwner.current()
        XCTAssertEqual(LockOwner.current().lives(seenFrom: observer), true)
        observer.namespace = "pid:[1]"
        XCTAssertNil(LockOwner.current().lives(seenFrom: observer))
        observer = .current()
        observer.boot = "another"
        XCTAssertNil(LockOwner.current().lives(seenFrom: observer))
    }

    func testTheHolderLearnsThatItsLockWasTakenOver() throws {
        try withTemporaryFolder { folder in
            let held = try lock(folder)
            try held.requireHeld()
            // Replaced without a moment in which there is no lock.
            try JSON.write(elsewhere, to: folder + "/lock.json")
            XCTAssertThrowsError(try held.requireHeld()) { XCTAssertTrue("\($0)".contains("stops without writing"), "\($0)") }
            Thread.sleep(forTimeInterval: 0.5)
            XCTAssertThrowsError(try held.requireHeldQuickly(), "a heartbeat found out")
            held.release()
            XCTAssertEqual(try names(folder), ["lock.json"], "the other process keeps its lock")
        }
    }

    func testOfManyThatComeTogetherOneGetsTheLock() throws {
        try withTemporaryFolder { folder in
            let results = (0..<8).map { _ in LockResult() }
            let timing = timing
            DispatchQueue.concurrentPerform(iterations: results.count) { index in
                do {
                    results[index].lock = try FolderLock(folder: folder, owner: .current(), timing: timing) { _ in }
                } catch {
                    results[index].error = "\(error)"
                }
            }
            XCTAssertEqual(results.filter { $0.lock != nil }.count, 1, "\(results.map(\.error))")
            results.forEach { $0.lock?.release() }
            XCTAssertEqual(try names(folder), [])
        }
    }

    private final class LockResult: @unchecked Sendable {
        var lock: FolderLock?
        var error: String?
    }
}
