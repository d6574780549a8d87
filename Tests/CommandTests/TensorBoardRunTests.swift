import Foundation
import TensorBoard
import TestSupport
import XCTest

/// Event files of whole runs. Tests/TensorBoard/check.py reads them with the package tensorboard.
final class TensorBoardRunTests: XCTestCase {
    private static let option = ["--set", "metrics.tensorBoard=true"]

    /// The numbers of metrics.jsonl by "tag@step".
    private func recorded(_ run: SmallRun, _ name: String) throws -> [String: Double] {
        var numbers: [String: Double] = [:]
        for line in try String(contentsOfFile: run.path(name) + "/metrics.jsonl", encoding: .utf8).split(separator: "\n") {
            let record = try XCTUnwrap(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let (kind, step) = (record["kind"] as? String, record["step"] as? Int ?? -1)
            if kind == "step" {
                for key in ["loss", "accuracy", "gigaFLOPs", "gradientNorm"] { numbers["train/\(key)@\(step)"] = record[key] as? Double }
                numbers["speed/imagesPerSecond@\(step)"] = record["imagesPerSecond"] as? Double
                for (index, share) in (record["shares"] as? [Double] ?? []).enumerated() {
                    numbers["shares/\([48, 32][index])@\(step)"] = share
                }
                for (index, rate) in (record["learningRates"] as? [Any] ?? []).enumerated() {
                    numbers["learningRate/\(["classifier", "predictor"][index])@\(step)"] = rate as? Double
                }
            }
            for row in record["rows"] as? [[String: Any]] ?? [] {
                let (group, way) = (record["stage"] as? String == "final" ? "final" : "validation", row["name"] as? String ?? "")
                numbers["\(group)/top1/\(way)@\(step)"] = row["top1"] as? Double
                numbers["\(group)/gigaFLOPs/\(way)@\(step)"] = row["totalGFLOPs"] as? Double
            }
        }
        return numbers
    }

    /// Each number of metrics.jsonl is shown once, also after a resume from a step, from an epoch's end and from the end of the run.
    func testEventFilesShowTheRecordsOfARunOnce() throws {
        try withSmallRun { run in
            try run.complete("run", Self.option)
            for step in [12, 15, 26] {
                try run.cut("run", to: "from-\(step)", afterStep: step)
                try run.complete("from-\(step)", Self.option + ["--resume"])
            }
            for name in ["run", "from-12", "from-15", "from-26"] {
                let files = try EventFiles(run.path(name) + "/tensorboard")
                XCTAssertEqual(files.names.count, name == "run" ? 1 : 2, name)
                let (shown, recorded) = (files.scalars(), try recorded(run, name))
                XCTAssertGreaterThan(recorded.count, 150, name)
                for (key, value) in recorded { XCTAssertEqual(shown[key], [Float(value)], "\(name) \(key)") }
                XCTAssertEqual(shown.filter { $0.value.count != 1 }.keys.sorted(), [], name)
            }
        }
    }

    func testEventFilesHavePhotographsAndHyperParameters() throws {
        try withSmallRun { run in
            try run.complete("run", Self.option)
            let files = try EventFiles(run.path("run") + "/tensorboard")
            let pictures = files.shown.filter { $0.value.image.width > 0 }
            XCTAssertEqual(Set(pictures.map(\.step)).intersection([15, 20, 25]), [15, 20, 25], "evaluations of fine-tuning")
            XCTAssertTrue(pictures.contains { $0.value.tag.hasPrefix("final photographs at ") })
            for (_, value) in pictures {
                XCTAssertTrue(value.tag.contains("photographs at 48 px/") || value.tag.contains("photographs at 32 px/"), value.tag)
                XCTAssertEqual(value.image.encodedImageString.prefix(2), Data([0xFF, 0xD8]))
                XCTAssertEqual(max(value.image.width, value.image.height), value.tag.contains("48") ? 128 : 85)
            }
            let contents = try files.hyperParameters()
            XCTAssertEqual(contents.count, 3)
            XCTAssertEqual(
                contents.first { $0.sessionStartInfo.startTimeSecs > 0 }?.sessionStartInfo.hparams["optimizer.batchSize"]?.numberValue, 12)
            XCTAssertEqual(contents.last?.sessionEndInfo.status, .success)
            // The tags that the tab shows exist.
            let tags = Set(files.shown.map(\.value.tag))
            let metrics = contents.flatMap(\.experiment.metricInfos).map(\.name.tag)
            XCTAssertEqual(metrics.count, 6)
            XCTAssertEqual(Set(metrics).subtracting(tags), [])
        }
    }

    func testTrainingGoesOnWhereNoEventFileCanBeWritten() throws {
        try withSmallRun { run in
            try FileManager.default.createDirectory(atPath: run.path("run"), withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: run.path("run") + "/tensorboard"))
            let result = try run.train("run", Self.option)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertEqual(result.text.components(separatedBy: "Training goes on; the records wait").count, 2, result.text)
            XCTAssertTrue(result.text.contains("/tensorboard"), result.text)
        }
    }

    func testThereAreNoEventFilesWithoutTheKey() throws {
        try withSmallRun { run in
            try run.complete("run")
            XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run") + "/tensorboard"))
        }
    }
}
