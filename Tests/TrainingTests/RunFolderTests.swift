import Foundation
import TestSupport
import XCTest

@testable import Configuration
@testable import Inference
@testable import Training

final class RunFolderTests: XCTestCase {
    private let products = ProductsSelection(.tiles, reason: "a test")

    private func configuration() throws -> TrainingConfiguration {
        try TrainingConfiguration.load(path: repositoryRoot + "/configs/quickstart.yaml", overrides: [])
    }

    func testEveryStartIsKeptWithTheVersionsOfItsLibraries() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            try folder.open(.new) { XCTFail($0) }.release()
            for version in ["1", "2"] {
                try folder.record(
                    configuration: try configuration().yaml(), cores: ["a: rank 0"], products: products, version: version
                ) { XCTFail($0) }
            }
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.environment))
            let starts = try JSONDecoder().decode([RunEnvironment].self, from: data)
            XCTAssertEqual(starts.map(\.drnet), ["1", "2"])
            for start in starts {
                XCTAssertTrue(start.mpi.contains("Open MPI") && start.openBLAS.contains("OpenBLAS"), "\(start)")
                XCTAssertTrue(start.swift.hasPrefix("6."), start.swift)
            }
        }
    }

    func testADamagedEnvironmentIsKeptUnderAnotherName() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path)
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder.environment))
            var notes: [String] = []
            try folder.record(configuration: "", cores: [], products: products, version: "3") { notes.append($0) }
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.environment))
            XCTAssertEqual(try JSONDecoder().decode([RunEnvironment].self, from: data).count, 1)
            XCTAssertEqual(try String(contentsOfFile: folder.environment + ".damaged", encoding: .utf8), "{")
            XCTAssertTrue(notes.count == 1 && notes[0].contains("environment.json.damaged"), "\(notes)")
        }
    }

    func testOpeningTakesTheLockAndRefusesAFolderThatHoldsARun() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            let lock = try folder.open(.new) { XCTFail($0) }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["lock.json"])
            for start in [RunStart.new, .resume, .restart] {
                XCTAssertThrowsError(try folder.open(start) { XCTFail($0) }) { XCTAssertTrue("\($0)".contains("another job"), "\($0)") }
            }
            lock.release()
            try FileManager.default.createDirectory(atPath: folder.checkpoints, withIntermediateDirectories: true)
            XCTAssertThrowsError(try folder.open(.new) { XCTFail($0) }) {
                XCTAssertTrue("\($0)".contains("--resume") && "\($0)".contains("--restart"), "\($0)")
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["checkpoints"], "the lock is released")
            try folder.open(.resume) { XCTFail($0) }.release()
        }
    }

    func testARestartMovesTheEarlierRunAsideAndOnlyThat() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path)
            for file in [folder.metrics, folder.configuration, path + "/train.log"] {
                try Data(file.utf8).write(to: URL(fileURLWithPath: file))
            }
            for number in 1...2 {
                var notes: [String] = []
                try folder.open(.restart) { notes.append($0) }.release()
                XCTAssertEqual(notes, ["the earlier run is in \(path)/earlier-\(number)"])
                let moved = try String(contentsOfFile: "\(path)/earlier-\(number)/metrics.jsonl", encoding: .utf8)
                XCTAssertEqual(moved, folder.metrics)
                try Data(folder.metrics.utf8).write(to: URL(fileURLWithPath: folder.metrics))
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            XCTAssertEqual(names, ["earlier-1", "earlier-2", "metrics.jsonl", "train.log"])
        }
    }

    /// A disk can be full because of them.
    func testOpeningRemovesWhatKilledProcessesLeft() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path)
            try FileManager.default.createDirectory(
                atPath: folder.checkpoints + "/.tmp-step-000000005", withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: folder.configuration + ".77.tmp"))
            try folder.open(.resume) { XCTFail($0) }.release()
            XCTAssertEqual(try FileManager.default.subpathsOfDirectory(atPath: path), ["checkpoints"])
        }
    }
}
