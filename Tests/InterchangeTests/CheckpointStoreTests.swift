import Foundation
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

    func testTheNewestCheckpointIsLoadedWithItsFilesAndState() throws {
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

    func testTheNewestCheckpointsAndTheBestAreKept() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            for step in 1...5 { try save(store, step, isBest: step == 2) }
            XCTAssertEqual(folders(folder), ["step-000000002", "step-000000004", "step-000000005"])
            XCTAssertEqual(try store.best { XCTFail($0) }?.step, 2)
        }
    }

    func testEveryKindOfDamageIsReportedAndThePreviousCheckpointIsUsed() throws {
        let damages: [(String, (String) throws -> Void)] = [
            ("a.bin is damaged", { try Data("x7".utf8).write(to: URL(fileURLWithPath: $0 + "/a.bin")) }),
            ("a.bin has 1 bytes instead of 2", { try Data("a".utf8).write(to: URL(fileURLWithPath: $0 + "/a.bin")) }),
            (
                "b.bin: cannot read the file: Is a directory",
                { folder in
                    try FileManager.default.removeItem(atPath: folder + "/b.bin")
                    try FileManager.default.createDirectory(atPath: folder + "/b.bin", withIntermediateDirectories: false)
                }
            ),
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

    func testAFailedSaveKeepsOldCheckpointsAndLeavesNothing() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 1)
            XCTAssertThrowsError(
                try store.save(step: 2, state: Data(), files: ["a.bin": { _ in throw DiskFull() }], isBest: false))
            XCTAssertEqual(folders(folder), ["step-000000001"])
            XCTAssertEqual(try store.newestValid { XCTFail($0) }?.step, 1)
            try save(store, 3)
            XCTAssertEqual(folders(folder), ["step-000000001", "step-000000003"])
        }
    }

    func testADamagedLaterCheckpointStaysUntilTheRunPassesIt() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try save(store, 3, isBest: true)
            let damaged = try save(store, 7)
            try FileManager.default.removeItem(atPath: damaged.path("b.bin"))
            XCTAssertEqual(try store.newestValid { _ in }?.step, 3)
            try save(store, 4)
            XCTAssertEqual(folders(folder), ["step-000000003", "step-000000004", "step-000000007"])
            var reports: [String] = []
            XCTAssertEqual(try store.newestValid { reports.append($0) }?.step, 4)
            XCTAssertEqual(reports.count, 1)
            try save(store, 9)
            XCTAssertEqual(folders(folder), ["step-000000003", "step-000000009"])
        }
    }

    /// A resumed run has validated one checkpoint only.
    func testACheckpointIsRemovedOnlyIfEnoughLaterOnesAreKnownToBeIntact() throws {
        try withTemporaryFolder { folder in
            let first = CheckpointStore(folder: folder, keep: 5)
            for step in 1...4 { try save(first, step) }
            let resumed = CheckpointStore(folder: folder, keep: 2)
            XCTAssertEqual(try resumed.newestValid { XCTFail($0) }?.step, 4)
            XCTAssertEqual(folders(folder).count, 4)
            let other = CheckpointStore(folder: folder, keep: 2)
            try save(other, 5)
            XCTAssertEqual(folders(folder).count, 5, "one intact checkpoint is not two")
            try save(resumed, 6)
            XCTAssertEqual(folders(folder), ["step-000000004", "step-000000005", "step-000000006"])
        }
    }

    func testIfNoCheckpointIsValidTheErrorNamesWhatIsWrongWithEach() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 20)
            for step in 1...12 { try FileManager.default.removeItem(atPath: try save(store, step).path("manifest.json")) }
            XCTAssertThrowsError(try store.newestValid { XCTFail($0) }) {
                let text = "\($0)"
                XCTAssertTrue(text.hasPrefix("\(folder): none of its 12 checkpoints can be used:\n"), text)
                for part in ["step-000000012 is skipped: manifest.json is missing", "step-000000003 is skipped", "  and 2 more"] {
                    XCTAssertTrue(text.contains(part), text)
                }
                XCTAssertFalse(text.contains("step-000000002"), text)
            }
            XCTAssertEqual(folders(folder).count, 12)
        }
    }

    /// A symbolic link to itself cannot be opened: the system reports an error that does not mean that the file is absent.
    private func makeUnreadable(_ path: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path)
    }

    func testACheckpointThatCannotBeReadNowIsNeitherSkippedNorRemoved() throws {
        for file in ["manifest.json", "a.bin"] {
            try withTemporaryFolder { folder in
                let store = CheckpointStore(folder: folder, keep: 1)
                try save(store, 1)
                let newest = try save(CheckpointStore(folder: folder, keep: 9), 2)
                try makeUnreadable(newest.path(file))
                XCTAssertThrowsError(try store.newestValid { XCTFail($0) }) {
                    for part in ["step-000000002", file, "Too many levels of symbolic links", "nothing was changed", "Try again"] {
                        XCTAssertTrue("\($0)".contains(part), "\($0)")
                    }
                }
                XCTAssertEqual(folders(folder), ["step-000000001", "step-000000002"])
            }
        }
    }

    func testAFolderThatCannotBeListedIsNotEmpty() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/checkpoints"
            try makeUnreadable(path)
            let store = CheckpointStore(folder: path, keep: 1)
            for action in [{ _ = try store.newestValid { XCTFail($0) } }, { _ = try store.best { XCTFail($0) } }, store.removeLeftovers] {
                XCTAssertThrowsError(try action()) { XCTAssertTrue("\($0)".contains("Too many levels"), "\($0)") }
            }
        }
    }

    /// The checkpoints can be on a disk of their own.
    func testALinkToAFolderThatIsNotThereIsNotAnEmptyFolder() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/checkpoints"
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder + "/unmounted")
            XCTAssertThrowsError(try CheckpointStore(folder: path, keep: 1).newestValid { XCTFail($0) }) {
                XCTAssertEqual("\($0)", "\(path): cannot follow this symbolic link: No such file or directory")
            }
        }
    }

    func testAnUnreadableMarkOfTheBestKeepsAllCheckpoints() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try save(store, 1, isBest: true)
            try makeUnreadable(folder + "/best.json")
            for step in 2...4 { try save(store, step) }
            XCTAssertEqual(folders(folder).count, 4)
        }
    }

    /// The process was killed between the two renames of a replacement.
    func testAReplacedCheckpointCountsUntilTheNewOneHasItsName() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 4, isBest: true)
            let (final, replaced) = (folder + "/step-000000004", folder + "/.replaced-step-000000004")
            try FileManager.default.moveItem(atPath: final, toPath: replaced)
            XCTAssertEqual(try store.newestValid { XCTFail($0) }?.folder, replaced)
            try store.removeLeftovers()
            XCTAssertEqual(folders(folder), ["step-000000004"])
            XCTAssertEqual(try store.newestValid { XCTFail($0) }?.folder, final)
            XCTAssertEqual(try store.best { XCTFail($0) }?.step, 4)
        }
    }

    func testLeftoversOfKilledProcessesAreRemovedAndAReplacedCheckpointOnlyIfItsSuccessorIsIntact() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 4)
            try FileManager.default.copyItem(atPath: folder + "/step-000000004", toPath: folder + "/.replaced-step-000000004")
            for name in [".tmp-step-000000005", ".tmp-replaced"] {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
            }
            try Data("1".utf8).write(to: URL(fileURLWithPath: folder + "/best.json.4711.tmp"))
            let damaged = folder + "/step-000000004/a.bin"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: damaged))
            try Data("x".utf8).write(to: URL(fileURLWithPath: damaged))
            try store.removeLeftovers()
            XCTAssertEqual(folders(folder), [".replaced-step-000000004", "step-000000004"])
            try bytes.write(to: URL(fileURLWithPath: damaged))
            try store.removeLeftovers()
            XCTAssertEqual(folders(folder), ["step-000000004"])
        }
    }

    func testTheStateOfACheckpointCanBeReplaced() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            let saved = try save(store, 4)
            try store.replaceState(ofStep: 4, with: Data("new".utf8))
            let found = try XCTUnwrap(try store.newestValid { XCTFail($0) })
            XCTAssertEqual(String(decoding: found.state, as: UTF8.self), "new")
            XCTAssertEqual(try DurableFile.read(found.path("a.bin")), try DurableFile.read(saved.path("a.bin")))
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

    // MARK: - Reading beside a writer

    /// A writer saves checkpoints and removes old ones, keeping one, while a reader reads the newest again and again.
    func testTheNewestCheckpointIsReadWhileAnotherProcessReplacesAndRemovesThem() throws {
        try withTemporaryFolder { folder in
            let writer = CheckpointStore(folder: folder, keep: 1)
            func save(_ step: Int) throws {
                let bytes = Data(repeating: UInt8(step % 251), count: 200_000)
                let write: (String) throws -> Void = { try bytes.write(to: URL(fileURLWithPath: $0)) }
                _ = try writer.save(
                    step: step, state: Data("\(step)".utf8), files: ["a.bin": write, "b.bin": write, "c.bin": write], isBest: step % 3 == 0)
            }
            try save(0)
            let reader = Reader(folder)
            reader.start()
            for step in 1...60 { try save(step) }
            XCTAssertEqual(reader.finish(), [])
            XCTAssertGreaterThan(reader.reads, 10)
        }
    }

    func testACheckpointThatCanBeUselessRemovesNoEarlierOne() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            func save(_ step: Int, isSound: Bool) throws {
                _ = try store.save(step: step, state: Data(), files: [:], isBest: false, isSound: isSound)
            }
            try save(1, isSound: true)
            for step in 2...4 { try save(step, isSound: false) }
            XCTAssertEqual(try store.newestValid(before: 2)?.step, 1)
            XCTAssertNil(try store.newestValid(before: 1))
            XCTAssertEqual(folders(folder).count, 4)
            try save(5, isSound: true)
            XCTAssertEqual(folders(folder), ["step-000000005"])
        }
    }

    func testLaterCheckpointsAreSetAsideWithTheMarkOfTheBest() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder + "/checkpoints", keep: 9)
            for step in 1...4 { try save(store, step, isBest: step == 3) }
            XCTAssertEqual(try store.bestStep(), 3)
            XCTAssertEqual(try store.setAside(after: 4, to: folder + "/none"), [])
            XCTAssertEqual(try store.setAside(after: 2, to: folder + "/aside"), [3, 4])
            XCTAssertEqual(folders(folder + "/checkpoints"), ["step-000000001", "step-000000002"])
            XCTAssertEqual(folders(folder + "/aside").filter { $0.hasPrefix("step") }, ["step-000000003", "step-000000004"])
            XCTAssertNil(try store.bestStep())
            XCTAssertThrowsError(try store.checkpoint(step: 3)) {
                XCTAssertTrue("\($0)".contains("has no checkpoint of step 3; it has those of the steps 1, 2"), "\($0)")
            }
        }
    }

    func testAManifestOfALaterVersionIsRejectedAndNothingIsRemoved() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            try save(store, 3)
            let later = try save(store, 7, isBest: true)
            let path = later.path("manifest.json")
            // A later version can also have other keys.
            try Data(#"{"version": 2, "tensors": []}"#.utf8).write(to: URL(fileURLWithPath: path))
            for find in [{ try store.newestValid { XCTFail($0) } }, { try store.best { XCTFail($0) } }] {
                XCTAssertThrowsError(try find()) {
                    for part in [path, "version 2", "reads versions up to 1"] { XCTAssertTrue("\($0)".contains(part), "\($0)") }
                }
            }
            XCTAssertEqual(folders(folder), ["step-000000003", "step-000000007"])
        }
    }

    func testSavingFailsIfAFileCannotBeReadAfterwards() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            let unreadable: (String) throws -> Void = {
                try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false)
            }
            for (write, reason) in [(unreadable, "Is a directory"), ({ _ in }, "No such file or directory")] {
                XCTAssertThrowsError(try store.save(step: 2, state: Data(), files: ["a.bin": write], isBest: false)) {
                    XCTAssertTrue("\($0)".contains("a.bin: cannot read the file: \(reason)"), "\($0)")
                }
            }
            XCTAssertNil(try store.newestValid { XCTFail($0) })
        }
    }

    func testTheErrorAboutAnUnknownStateNamesFileKeyAndRemedy() throws {
        struct State: Decodable {
            struct Place: Decodable { var epoch: Int }
            var place: Place
        }
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 3)
            let cases = [
                (#"{"step": 1}"#, "the key 'place' is missing"), (#"{"place": {}}"#, "the key 'place.epoch' is missing"),
                (#"{"place": {"epoch": "x"}}"#, "the value of 'place.epoch' is missing or of another kind"), ("[", "it is not JSON"),
            ]
            for (text, reason) in cases {
                let checkpoint = try store.save(step: 1, state: Data(text.utf8), files: [:], isBest: false)
                XCTAssertThrowsError(try checkpoint.decodeState(State.self)) { error in
                    for part in ["step-000000001/manifest.json", reason, "start a new run"] {
                        XCTAssertTrue("\(error)".contains(part), "\(error)")
                    }
                    XCTAssertFalse("\(error)".contains("DecodingError") || "\(error)".contains("CodingKeys"), "\(error)")
                }
            }
        }
    }

    func testADamagedBestFileIsReportedAndNoOldCheckpointIsRemoved() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try save(store, 1, isBest: true)
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder + "/best.json"))
            var reports: [String] = []
            XCTAssertNil(try store.best { reports.append($0) })
            XCTAssertEqual(reports, ["\(folder)/best.json is damaged: it is not JSON"])
            try save(store, 2)
            XCTAssertEqual(folders(folder), ["step-000000001", "step-000000002"])
            try save(store, 3, isBest: true)
            XCTAssertEqual(folders(folder), ["step-000000003"])
        }
    }

    func testAnUnreadableFolderIsAnErrorAndNotAnEmptyFolder() throws {
        try withTemporaryFolder { folder in
            try Data().write(to: URL(fileURLWithPath: folder + "/checkpoints"))
            XCTAssertThrowsError(try CheckpointStore(folder: folder + "/checkpoints", keep: 1).newestValid { XCTFail($0) }) {
                XCTAssertTrue("\($0)".contains("checkpoints: cannot list the folder: Not a directory"), "\($0)")
            }
        }
    }
}

/// Reads the newest and the best checkpoint of a folder on a thread of its own, until `finish`. The lock makes `@unchecked Sendable` safe.
private final class Reader: @unchecked Sendable {
    private let store: CheckpointStore
    private let lock = NSLock()
    private let ended = DispatchSemaphore(value: 0)
    private var isDone = false
    private var failures: [String] = []
    private var newest = 0
    private(set) var reads = 0

    init(_ folder: String) { store = CheckpointStore(folder: folder, keep: 1) }

    func start() {
        Thread.detachNewThread {
            while !self.lock.withLock({ self.isDone }) {
                self.read(best: false)
                self.read(best: true)
            }
            self.ended.signal()
        }
    }

    /// Returns what went wrong.
    func finish() -> [String] {
        lock.withLock { isDone = true }
        ended.wait()
        return failures
    }

    private func read(best: Bool) {
        do {
            let (keep, report) = ({ (name: String) in name != "b.bin" }, { (text: String) in self.failures.append(text) })
            let found = try best ? store.readBest(keeping: keep, report: report) : store.readNewest(keeping: keep, report: report)
            guard let found else { return failures.append("no checkpoint") }
            let step = found.checkpoint.step
            let isWhole =
                found.files.keys.sorted() == ["a.bin", "c.bin"] && found.files.values.allSatisfy { $0.first == UInt8(step % 251) }
            if !isWhole || !best && step < newest { failures.append("step \(step) after \(newest): \(found.files)") }
            if !best { newest = step }
            reads += 1
        } catch {
            failures.append("\(error)")
        }
    }
}
