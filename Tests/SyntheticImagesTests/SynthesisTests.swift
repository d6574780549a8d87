import Foundation
import Randomness
import TestSupport
import XCTest

@testable import ImageData
@testable import SyntheticImages

final class SynthesisTests: XCTestCase {
    private func options(seed: UInt64 = 1) -> SyntheticDataSet.Options {
        var options = SyntheticDataSet.Options()
        (options.seed, options.trainingImages, options.validationImages) = (seed, 48, 24)
        return options
    }

    private func bytes(_ folder: String) throws -> [String: Data] {
        let names = try XCTUnwrap(FileManager.default.subpaths(atPath: folder)).filter { $0.contains(".") }
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) })
    }

    func testTheFolderDependsOnlyOnTheOptions() throws {
        try withTemporaryFolder { folder in
            for (name, seed, threads) in [("a", 1, 1), ("b", 1, 3), ("c", 2, 2)] as [(String, UInt64, Int)] {
                _ = try SyntheticDataSet(options(seed: seed)).write(to: "\(folder)/\(name)", threads: threads)
            }
            XCTAssertTrue(try bytes(folder + "/a") == bytes(folder + "/b"))
            XCTAssertFalse(try bytes(folder + "/a") == bytes(folder + "/c"))
        }
    }

    func testDifficultiesHaveTheirSharesInEveryClassAndAreListedForEveryImage() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/data"
            _ = try SyntheticDataSet(options()).write(to: path, threads: 2)
            let images = try ImageDataset(path: path)
            XCTAssertEqual(images.classes, SignPattern.allCases.map(\.rawValue).sorted())
            XCTAssertEqual([images.training.count, images.validation.count], [48, 24])
            let lines = try String(contentsOfFile: path + "/difficulty.csv", encoding: .utf8).split(separator: "\n").dropFirst()
            XCTAssertEqual(
                Set(lines.map { path + "/" + $0.split(separator: ",")[0] }), Set((images.training + images.validation).map(\.path)))
            for name in images.classes {
                let own = lines.filter { $0.contains("train/\(name)/") }
                XCTAssertEqual(own.filter { $0.hasSuffix("easy") }.count, 4)
                XCTAssertEqual(own.filter { $0.hasSuffix("hard") }.count, 2)
            }
            XCTAssertTrue(images.training.contains { $0.path.hasSuffix("png") } && images.training.contains { $0.path.hasSuffix("jpg") })
        }
    }

    func testACompleteFolderIsKeptAndAForeignOneIsRejected() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/data"
            _ = try SyntheticDataSet(options()).write(to: path, threads: 2)
            guard case .alreadyComplete = try SyntheticDataSet(options()).write(to: path, threads: 2) else { return XCTFail("made twice") }
            XCTAssertThrowsError(try SyntheticDataSet(options(seed: 9)).write(to: path, threads: 1)) {
                XCTAssertEqual($0 as? SynthesisError, .different(path: path))
            }
            XCTAssertThrowsError(try SyntheticDataSet(options()).write(to: folder, threads: 1)) {
                XCTAssertEqual($0 as? SynthesisError, .foreign(path: folder))
            }
        }
    }

    func testATrailingSlashAnEmptyFolderAndTheRemainsOfAKilledProcessAreAccepted() throws {
        try withTemporaryFolder { folder in
            let manager = FileManager.default
            guard case .made = try SyntheticDataSet(options()).write(to: folder + "/slash//", threads: 2) else {
                return XCTFail("not made")
            }
            XCTAssertEqual(try ImageDataset(path: folder + "/slash").validation.count, 24)
            try manager.createDirectory(atPath: folder + "/empty", withIntermediateDirectories: true)
            // The remains of another process: they have the marker, but other options.
            try manager.copyItem(atPath: folder + "/slash", toPath: folder + "/empty.partial")
            guard case .made = try SyntheticDataSet(options(seed: 2)).write(to: folder + "/empty", threads: 2) else {
                return XCTFail("not made")
            }
            XCTAssertEqual(try manager.contentsOfDirectory(atPath: folder).sorted(), ["empty", "slash"])
        }
    }

    func testForeignFilesAreNeverRemoved() throws {
        try withTemporaryFolder { folder in
            let file = folder + "/file"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
            var made = 0
            for path in [file, file + "/"] {
                XCTAssertThrowsError(try SyntheticDataSet(options()).write(to: path, threads: 1) { _, _ in made += 1 }) {
                    XCTAssertEqual($0 as? SynthesisError, .foreign(path: file))
                }
            }
            let partial = folder + "/data.partial"
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: partial + "/notes.txt"))
            XCTAssertThrowsError(try SyntheticDataSet(options()).write(to: folder + "/data", threads: 1) { _, _ in made += 1 }) {
                XCTAssertTrue("\($0)".contains("data.partial: holds something else"), "\($0)")
            }
            XCTAssertEqual(made, 0, "rejected before any work")
            XCTAssertEqual(try String(contentsOfFile: file, encoding: .utf8), "mine")
            XCTAssertEqual(try String(contentsOfFile: partial + "/notes.txt", encoding: .utf8), "mine")
        }
    }

    func testPatternsAreMirrorSymmetricAndHaveTheSameMean() {
        for pattern in SignPattern.allCases {
            var sum = 0.0
            for row in 0..<80 {
                for column in 0..<80 {
                    let (x, y) = (Double(column) - 39.5, Double(row) - 39.5)
                    sum += pattern.value(x: x, y: y, period: 8, phase: 0)
                    XCTAssertEqual(
                        pattern.value(x: x, y: y, period: 8, phase: 0), pattern.value(x: -x, y: y, period: 8, phase: 0), accuracy: 1e-9)
                }
            }
            XCTAssertEqual(sum / 6400, 0.5, accuracy: 0.03, pattern.rawValue)
        }
    }

    /// Resizing multiplies the contrast of the pattern by the response of the triangle filter, sinc²(scale / period).
    func testEachDifficultyIsVisibleOnlyFromItsResolutionOn() {
        func contrast(_ difficulty: Difficulty, _ resolution: Double) -> Double {
            let x = Double.pi * 128 / resolution / Double(difficulty.period.upperBound)
            return pow(sin(x) / x, 2)
        }
        XCTAssertGreaterThan(contrast(.easy, 32), 0.7)
        XCTAssertGreaterThan(contrast(.medium, 64), 0.5)
        XCTAssertLessThan(contrast(.medium, 32), 0.12)
        XCTAssertGreaterThan(contrast(.hard, 96), 0.3)
        XCTAssertLessThan(contrast(.hard, 64), 0.12)
    }
}
