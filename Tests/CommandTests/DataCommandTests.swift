import Foundation
import TestSupport
import XCTest

/// What the commands say of image folders: skipped files, damaged files, test sets.
final class DataCommandTests: XCTestCase {
    func testCheckDataListsEveryBadFileAndFails() throws {
        try withSmallRun { run in
            let good = try run.drnet(["check-data", run.path("data")])
            XCTAssertEqual(good.status, 0, good.text)
            XCTAssertTrue(good.output.contains("82 images, 0 of them cannot be used"), good.text)

            let files = ["train/rings/00004.jpg", "train/rows/00006.jpg", "val/rings/00004.jpg"].map { run.path("data/\($0)") }
            for file in files { XCTAssertEqual(truncate(file, 700), 0, file) }
            try Data([1]).write(to: URL(fileURLWithPath: run.path("data/train/rows/x.bmp")))
            let bad = try run.drnet(["check-data", run.path("data")])
            XCTAssertEqual(bad.status, 1, bad.text)
            let lines = bad.output.split(separator: "\n")
            for file in files { XCTAssertEqual(lines.filter { $0.hasPrefix("\(file): damaged JPEG") }.count, 1, bad.text) }
            XCTAssertTrue(bad.output.contains("skipped 1 file with the extension .bmp"), bad.text)
            XCTAssertTrue(bad.output.contains("82 images, 3 of them cannot be used"), bad.text)

            // Training says what was skipped and how to find all damaged files.
            let trained = try run.train("run")
            XCTAssertEqual(trained.status, 1, trained.text)
            XCTAssertTrue(trained.output.contains("\(run.path("data"))/train: skipped 1 file with the extension .bmp"), trained.text)
            XCTAssertTrue(trained.errors.contains("'drnet check-data \(run.path("data"))' lists all such files"), trained.text)
            XCTAssertTrue(files.contains { trained.errors.contains($0) }, trained.text)
        }
    }

    func testCheckDataRefusesAFolderThatTrainingRefuses() throws {
        try withSmallRun { run in
            try FileManager.default.createDirectory(atPath: run.path("data/train/unused"), withIntermediateDirectories: true)
            try FileManager.default.createDirectory(atPath: run.path("data/val/unused"), withIntermediateDirectories: true)
            for result in [try run.drnet(["check-data", run.path("data")]), try run.train("run")] {
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertTrue(result.errors.contains("1 class has no training images: unused"), result.text)
            }
            let missing = try run.drnet(["check-data", run.path("none")])
            XCTAssertEqual(missing.status, 1, missing.text)
            XCTAssertTrue(missing.errors.contains("\(run.path("none")): there is no such folder"), missing.text)
        }
    }

    func testATestSetIsEvaluatedWithoutTrainingImages() throws {
        try withSmallRun { run in
            try run.complete("run")
            let whole = try run.drnet(["evaluate", run.path("run"), "--predictions", run.path("whole.csv")])
            XCTAssertEqual(whole.status, 0, whole.text)
            try FileManager.default.createDirectory(atPath: run.path("set"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: run.path("data/val"), toPath: run.path("set/val"))
            for folder in ["set", "set/val"] {
                let result = try run.drnet(["evaluate", run.path("run"), "--data", run.path(folder), "--predictions", run.path("set.csv")])
                XCTAssertEqual(result.status, 0, result.text)
                let predictions = try ["whole.csv", "set.csv"].map { name in
                    try String(contentsOfFile: run.path(name), encoding: .utf8).split(separator: "\n").map {
                        $0.split(separator: ",").dropFirst()
                    }
                }
                XCTAssertEqual(predictions[0].map(Array.init), predictions[1].map(Array.init))
            }
            // Of the run's own data, only the validation images are read.
            try FileManager.default.removeItem(atPath: run.path("data/train"))
            XCTAssertEqual(try run.drnet(["evaluate", run.path("run")]).status, 0)

            try FileManager.default.removeItem(atPath: run.path("set/val/rings"))
            let lacking = try run.drnet(["evaluate", run.path("run"), "--data", run.path("set")])
            XCTAssertEqual(lacking.status, 0, lacking.text)
            XCTAssertTrue(lacking.errors.contains("no images of 1 class: rings"), lacking.text)
            try FileManager.default.createDirectory(atPath: run.path("set/val/spirals"), withIntermediateDirectories: true)
            let unknown = try run.drnet(["evaluate", run.path("run"), "--data", run.path("set")])
            XCTAssertEqual(unknown.status, 1, unknown.text)
            XCTAssertTrue(unknown.errors.contains("does not know the classes spirals;"), unknown.text)
        }
    }

    /// A class folder in Latin-1, as old archives unpack it.
    func testAClassWhoseNameIsNotUTF8IsTrainedAndEvaluated() throws {
        try withSmallRun { run in
            for split in ["train", "val"] {
                let from = Array(run.path("data/\(split)/rows").utf8CString)
                let to =
                    Array("\(run.path("data"))/\(split)/r".utf8).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xF6), 119, 115, 0]
                XCTAssertEqual(rename(from, to), 0)
            }
            let trained = try run.train("run")
            XCTAssertEqual(trained.status, 0, trained.text)
            XCTAssertTrue(trained.output.contains("58 training and 24 validation images of 6 classes"), trained.text)
            let evaluated = try run.drnet(["evaluate", run.path("run"), "--predictions", run.path("p.csv")])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            let predictions = try String(contentsOfFile: run.path("p.csv"), encoding: .utf8)
            XCTAssertEqual(
                predictions.split(separator: "\n").filter { $0.contains(#"/val/r\xf6ws/"#) && $0.contains(#",r\xf6ws,"#) }.count, 4)
            try run.complete("run", ["--resume"])
        }
    }
}
