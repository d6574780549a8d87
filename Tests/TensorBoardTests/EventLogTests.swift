import Foundation
import TestSupport
import XCTest

@testable import TensorBoard

final class EventLogTests: XCTestCase {
    private let writer = EventLog.Writer(host: "host", process: 7, now: { 1_700_000_000.5 })

    /// A picture of one grey pixel, as a JPEG file of libjpeg-turbo.
    private func pixel() throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: repositoryRoot + "/Tests/Fixtures/tensorboard/pixel.jpg"))
    }

    /// All kinds of events, and those of a resumed run.
    private func write(to folder: String) throws -> [String] {
        let first = EventLog(folder: folder, voidFrom: nil, writer: writer) { XCTFail($0) }
        first.begin(["optimizer.kind": .text("sgd"), "seed": .number(1), "deterministic": .flag(false)], metrics: ["final/top1/dynamic"])
        first.add([("train/loss", 0.5), ("shares/96", 0)], step: 1)
        first.add([("train/loss", 0.25)], step: 2)
        first.add([("train/loss", .nan)], step: 3)
        first.add([.init(tag: "photographs at 96 px/1", width: 1, height: 1, bytes: try pixel())], step: 2)
        let second = EventLog(folder: folder, voidFrom: 2, writer: writer) { XCTFail($0) }
        second.add([("train/loss", 0.125)], step: 2)
        second.end()
        return [first.path, second.path]
    }

    /// Tests/TensorBoard/check.py has read the committed files with the package tensorboard. After a change, remove them: this test writes
    /// them again, and fails once.
    func testTheBytesAreThoseThatTensorBoardReads() throws {
        try withTemporaryFolder { folder in
            for path in try write(to: folder) {
                let name = try XCTUnwrap(path.split(separator: "/").last)
                let committed = URL(fileURLWithPath: "\(repositoryRoot)/Tests/Fixtures/tensorboard/\(name)")
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                if !FileManager.default.fileExists(atPath: committed.path) {
                    try bytes.write(to: committed)
                    XCTFail("\(committed.path) was missing. Read it with Tests/TensorBoard/check.py --files, then commit it")
                }
                XCTAssertEqual(bytes, try Data(contentsOf: committed), "\(name)")
            }
        }
    }

    func testALaterFileVoidsWhatItWritesAgain() throws {
        try withTemporaryFolder { folder in
            _ = try write(to: folder)
            let files = try EventFiles(folder)
            XCTAssertEqual(files.scalars(), ["train/loss@1": [0.5], "shares/96@1": [0], "train/loss@2": [0.125]])
            XCTAssertEqual(files.events[0].fileVersion, "brain.Event:2")
            XCTAssertEqual(files.events.map(\.wallTime), files.events.map { _ in 1_700_000_000.5 })
        }
    }

    /// TensorBoard reads files in the order of their names, and clocks of hosts differ.
    func testALaterFileHasALaterName() throws {
        try withTemporaryFolder { folder in
            func path(_ host: String, _ seconds: Double) -> String {
                let log = EventLog(folder: folder, voidFrom: nil, writer: .init(host: host, process: 1, now: { seconds })) { XCTFail($0) }
                return log.path
            }
            let paths = [path("b", 1_700_000_000), path("a", 1_700_000_000), path("c d/é", 5)]
            XCTAssertEqual(paths, paths.sorted())
            XCTAssertEqual(
                paths.map { $0.dropFirst(folder.count + 1) },
                (0..<3).map { "events.out.tfevents.170000000\($0).\(["b", "a", "c-d--"][$0]).1.drnet" })
        }
    }

    /// A file in place of the folder stands for one that cannot be written.
    func testEventsWaitUntilTheyCanBeWritten() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/tensorboard"
            try Data().write(to: URL(fileURLWithPath: path))
            var warnings: [String] = []
            let log = EventLog(folder: path, voidFrom: nil, writer: writer) { warnings.append($0) }
            for step in 1...3 { log.add([("a", Double(step))], step: step) }
            XCTAssertEqual(warnings.count, 1, "\(warnings)")
            XCTAssertTrue(warnings.first?.hasSuffix("Training goes on; the records wait in memory until they can be written") ?? false)
            try FileManager.default.removeItem(atPath: path)
            log.add([("a", 4)], step: 4)
            XCTAssertEqual(try EventFiles(path).scalars(), ["a@1": [1], "a@2": [2], "a@3": [3], "a@4": [4]])
        }
    }

    func testHyperParametersHaveTheirTypes() throws {
        XCTAssertEqual(HyperParameter(yaml: "0.1"), .number(0.1))
        XCTAssertEqual(HyperParameter(yaml: "1e-05"), .number(1e-5))
        XCTAssertEqual(HyperParameter(yaml: "true"), .flag(true))
        XCTAssertEqual(HyperParameter(yaml: "adamw"), .text("adamw"))
        XCTAssertEqual(HyperParameter(yaml: "\"runs/a b\""), .text("runs/a b"))
        XCTAssertEqual(HyperParameter(yaml: "[64, 32]"), .text("[64, 32]"))
        try withTemporaryFolder { folder in
            _ = try write(to: folder)
            let contents = try EventFiles(folder).hyperParameters()
            XCTAssertEqual(contents.count, 3)
            XCTAssertEqual(contents[0].experiment.hparamInfos.map(\.name), ["deterministic", "optimizer.kind", "seed"])
            XCTAssertEqual(contents[0].experiment.hparamInfos.map(\.type), [.bool, .string, .float64])
            XCTAssertEqual(contents[0].experiment.metricInfos.map(\.name.tag), ["final/top1/dynamic"])
            XCTAssertEqual(contents[1].sessionStartInfo.hparams["seed"]?.numberValue, 1)
            XCTAssertEqual(contents[1].sessionStartInfo.hparams["deterministic"]?.kind, .boolValue(false))
            XCTAssertEqual(contents[2].sessionEndInfo.status, .success)
        }
    }
}
