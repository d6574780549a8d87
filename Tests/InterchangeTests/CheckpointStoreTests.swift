import TestSupport
import XCTest
@testable import Interchange

final class CheckpointStoreTests: XCTestCase {
    private struct DiskFull: Error {}

    @discardableResult
    private func save(_ store: CheckpointStore, _ step: Int, isBest: Bool = false) throws -> Checkpoint {
        try store.save(
            step: step, state: Data("{\"step\":\(step)}".utf8),
            files: [
                "a.bin": { try DurableFile.write(Data("a\(step)".utf8), to: $0) },
                "b.bin": { try DurableFile.write(Data([1, 2]), to: $0) },
            ],
            isBest: isBest)
    }

    private func folders(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0 != "best.json" }.sorted()
    }

    func testTheNewestComesBackWithItsFilesAndState() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder + "/checkpoints", keep: 3)
            XCTAssertNil(try store.newestValid { _ in XCTFail("nothing to report") })
            try save(store, 5)
            try save(store, 12)
            let newest = try XCTUnwrap(try store.newestValid { XCTFail($0) })
            XCTAssertEqual(newest.step, 12)
            XCTAssertEqual(String(decoding: newest.state, as: UTF8.self), "{\"step\":12}")
            XCTAssertEqual(try String(contentsOfFile: newest.path("a.bin"), encoding: .utf8), "a12")
        }
    }

    func testTheLastOnesAndTheBestAreKept() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            for step in 1...5 { try save(store, step, isBest: step == 2) }
            XCTAssertEqual(folders(folder), ["step-000000002", "step-000000004", "step-000000005"])
            XCTAssertEqual(try store.best { XCTFail($0) }?.step, 2)
        }
    }

    func testEveryKindOfDamageIsNamedAndTheOneBeforeTaken() throws {
        let damages: [(String, (String) throws -> Void)] = [
            ("a.bin is damaged", { try Data("x7".utf8).write(to: URL(fileURLWithPath: $0 + "/a.bin")) }),
            ("a.bin has 1 bytes instead of 2", { try Data("a".utf8).write(to: URL(fileURLWithPath: $0 + "/a.bin")) }),
            ("b.bin is missing", { try FileManager.default.removeItem(atPath: $0 + "/b.bin") }),
            ("manifest.json is missing or damaged", { try Data("{".utf8).write(to: URL(fileURLWithPath: $0 + "/manifest.json")) }),
            (
                "state in manifest.json is damaged",
                { folder in
                    let path = folder + "/manifest.json"
                    let text = try String(contentsOfFile: path, encoding: .utf8)
                    let changed = text.replacingOccurrences(of: #"\"step\":7"#, with: #"\"step\":8"#)
                    XCTAssertNotEqual(changed, text)
                    try changed.write(toFile: path, atomically: true, encoding: .utf8)
                }
            ),
        ]
        for (reason, damage) in damages {
            try withTemporaryFolder { folder in
                let store = CheckpointStore(folder: folder, keep: 3)
                try save(store, 3)
                try damage(try save(store, 7).folder)
                var reports: [String] = []
                XCTAssertEqual(try store.newestValid { reports.append($0) }?.step, 3, reason)
                XCTAssertEqual(reports.count, 1)
                let report = reports.first ?? ""
                XCTAssertTrue(report.contains("step-000000007") && report.contains(reason), "\(reason): \(reports)")
            }
        }
    }

    func testAFailedWriteLeavesTheOldOnesAndItsRemainsGoNextTime() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 1)
            XCTAssertThrowsError(
                try store.save(step: 2, state: Data(), files: ["a.bin": { _ in throw DiskFull() }], isBest: false))
            XCTAssertEqual(try store.newestValid { XCTFail($0) }?.step, 1)
            try save(store, 3)
            XCTAssertEqual(folders(folder), ["step-000000001", "step-000000003"])
        }
    }

    func testWhatIsWrittenBehindADamagedOneStaysAndTheDamagedOneGoes() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try save(store, 3, isBest: true)
            let damaged = try save(store, 7)
            try FileManager.default.removeItem(atPath: damaged.path("b.bin"))
            XCTAssertEqual(try store.newestValid { _ in }?.step, 3)
            try save(store, 4)
            XCTAssertEqual(folders(folder), ["step-000000003", "step-000000004"])
            XCTAssertEqual(try store.newestValid { XCTFail($0) }?.step, 4)
        }
    }

    func testACheckpointOfTheSameStepIsReplaced() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 4)
            _ = try store.save(step: 4, state: Data("new".utf8), files: [:], isBest: false)
            XCTAssertEqual(try store.newestValid { XCTFail($0) }.map { String(decoding: $0.state, as: UTF8.self) }, "new")
            XCTAssertEqual(folders(folder), ["step-000000004"])
        }
    }
}
