import Foundation
import TestSupport
import XCTest

/// The arguments and the output of `drnet predict`.
final class PredictCommandTests: XCTestCase {
    private struct Record: Decodable {
        struct Class: Decodable {
            var name: String
            var probability: Double
        }

        var file: String
        var `class`: String
        var probability: Double
        var resolution: Int
        var gigaFLOPs: Double
        var classes: [Class]
        var logits: [Double]?
    }

    private func records(_ output: String) throws -> [Record] {
        try output.split(separator: "\n").map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
    }

    func testFilesFoldersPatternsAndStandardInputNameTheSameImages() throws {
        try withSmallRun { run in
            try run.complete("run")
            let classes = try FileManager.default.contentsOfDirectory(atPath: run.path("data/val")).sorted()
            let files = try classes.flatMap { name in
                try FileManager.default.contentsOfDirectory(atPath: run.path("data/val/\(name)")).sorted().map {
                    run.path("data/val/\(name)/\($0)")
                }
            }
            XCTAssertEqual(files.count, 24)
            try Data("no image".utf8).write(to: URL(fileURLWithPath: run.path("data/val/rings/notes.txt")))
            try Data("hidden".utf8).write(to: URL(fileURLWithPath: run.path("data/val/rings/.hidden.jpg")))

            func predict(_ arguments: [String]) throws -> [String] {
                let result = try run.drnet(["predict", "--run", run.path("run")] + arguments)
                XCTAssertEqual(result.status, 0, result.text)
                return result.output.split(separator: "\n").map(String.init)
            }
            let lines = try predict(files)
            XCTAssertEqual(lines.count, 25)
            XCTAssertEqual(lines.dropFirst().map { String($0.split(separator: "\t")[0]) }, files)
            XCTAssertEqual(try predict([run.path("data/val/")]), lines)
            XCTAssertEqual(try predict([run.path("data/val/*/*.jpg")]), lines)
            let list = run.path("list.txt")
            try (files.joined(separator: "\n") + "\n\n").write(toFile: list, atomically: true, encoding: .utf8)
            let piped = try ProcessRunner.run(
                "/bin/bash",
                ["-c", "\"$0\" predict --run \"$1\" - < \"$2\"", try builtExecutable(named: "drnet"), run.path("run"), list],
                environment: ["DRNET_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"])
            XCTAssertEqual(piped.status, 0, piped.text)
            XCTAssertEqual(piped.output.split(separator: "\n").map(String.init), lines, "at another number of threads")
            // One file alone is no other case.
            XCTAssertEqual(try predict([files[7]]).last, lines[8])
        }
    }

    func testJSONAndCSVHaveTheSameNumbers() throws {
        try withSmallRun { run in
            try run.complete("run")
            let folder = run.path("data/val")
            func predict(_ options: [String]) throws -> ProcessRunner.Result {
                try run.drnet(["predict", "--run", run.path("run"), folder] + options)
            }
            let json = try predict(["--json", "--logits"])
            XCTAssertEqual(json.status, 0, json.text)
            let records = try records(json.output)
            XCTAssertEqual(records.count, 24)
            for record in records {
                XCTAssertEqual(record.classes.first?.name, record.class)
                XCTAssertEqual(record.classes.first?.probability, record.probability)
                XCTAssertEqual(record.classes.map(\.probability), record.classes.map(\.probability).sorted(by: >))
                let logits = try XCTUnwrap(record.logits)
                let largest = logits.max() ?? 0
                let sum = logits.reduce(0) { $0 + exp($1 - largest) }
                XCTAssertEqual(1 / sum, record.probability, accuracy: 1e-5, "the probability is the softmax of the logits")
                XCTAssertTrue([48, 32].contains(record.resolution))
                XCTAssertGreaterThan(record.gigaFLOPs, 0)
            }
            XCTAssertNil(try self.records(predict(["--json"]).output).first?.logits)
            let csv = try predict(["--csv", "--top", "2"])
            let rows = csv.output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
            XCTAssertEqual(rows[0], ["file", "class", "probability", "resolution", "gigaFLOPs", "class2", "probability2"])
            for (row, record) in zip(rows.dropFirst(), records) {
                XCTAssertEqual(row[0], record.file)
                XCTAssertEqual(Double(row[2]), record.probability)
                XCTAssertEqual(row[5], record.classes[1].name)
            }
            XCTAssertEqual(rows.count, 25)
        }
    }

    func testProblemsAreReportedAndTheOtherFilesArePredicted() throws {
        try withSmallRun { run in
            try run.complete("run")
            try FileManager.default.createDirectory(atPath: run.path("empty"), withIntermediateDirectories: true)
            try Data("no image".utf8).write(to: URL(fileURLWithPath: run.path("broken.jpg")))
            let image = run.path("data/val/rings/00004.jpg")
            let result = try run.drnet(
                ["predict", "--run", run.path("run"), run.path("empty"), run.path("broken.jpg"), run.path("none-*.jpg"), image])
            XCTAssertEqual(result.status, 1)
            XCTAssertEqual(result.output.split(separator: "\n").count, 2, result.text)
            for text in ["empty: this folder and those in it have no .jpg", "broken.jpg", "none-*.jpg"] {
                XCTAssertTrue(result.errors.contains(text), "\(text): \(result.text)")
            }
            for (options, message) in [
                (["--json", "--csv"], "not both"), (["--top", "2"], "use --top with"), (["--csv", "--top", "0"], "at least 1"),
                (["--logits"], "use --logits with --json"),
            ] {
                let refused = try run.drnet(["predict", "--run", run.path("run"), image] + options)
                XCTAssertEqual(refused.status, 64)
                XCTAssertTrue(refused.errors.contains(message), refused.text)
            }
        }
    }
}
