import Foundation
import TestSupport
import XCTest

/// `drnet export`. Other runtimes run the files in Tests/Export/check.py.
final class ExportCommandTests: XCTestCase {
    private func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    func testEveryFormatIsWrittenForEveryWay() throws {
        try withSmallRun { run in
            try run.complete("run")
            let folder = run.path("run")
            for (chooser, parts) in [
                ("fixed", ["classifier-48.onnx"]), ("thresholdCascade", ["classifier-48.onnx", "decider.onnx"]),
                ("trained", ["classifier-32.onnx", "classifier-48.onnx", "decider.onnx"]),
            ] as [(String, [String])] {
                var deployment = try object("\(folder)/deployment.json")
                deployment["chooser"] = chooser
                deployment["costWeight"] = chooser == "fixed" ? nil : 0.125
                deployment["resolution"] = chooser == "fixed" ? 48 : nil
                deployment["run"] = folder
                let file = run.path("\(chooser).json")
                try JSONSerialization.data(withJSONObject: deployment).write(to: URL(fileURLWithPath: file))
                for (format, options, output, files) in [
                    ("onnx", [], "one.onnx", []), ("onnx", ["--batch-size", "any"], "any.onnx", []),
                    ("onnx-parts", ["--batch-size", "2"], "parts", parts + ["manifest.json"]),
                    ("pytorch", [], "pytorch", ["model.safetensors", "network.json"]),
                ] as [(String, [String], String, [String])] {
                    let target = run.path("\(chooser)-\(output)")
                    let result = try run.drnet(
                        ["export", folder, "--deployment", file, "--format", format, "-o", target] + options)
                    XCTAssertEqual(result.status, 0, result.text)
                    let written = files.isEmpty ? [target] : files.map { "\(target)/\($0)" }
                    XCTAssertEqual(
                        Set(result.output.split(separator: "\n").dropFirst().map(String.init)), Set(written), result.text)
                    for path in written where path.hasSuffix(".onnx") {
                        // Metadata and class names, in the bytes of the file.
                        let text = try text(path)
                        XCTAssertTrue(text.contains("drnet.classes") && text.contains("rings") && text.contains("drnet 0."), path)
                        XCTAssertEqual(text.contains("then_branch"), chooser != "fixed" && files.isEmpty, path)
                    }
                }
                let metadata = try XCTUnwrap(object(run.path("\(chooser)-parts/manifest.json"))["metadata"] as? [String: Any])
                XCTAssertEqual(metadata["chooser"] as? String, chooser)
                let provenance = try XCTUnwrap(metadata["provenance"] as? [String: Any])
                XCTAssertEqual(provenance["run"] as? String, "run")
                XCTAssertEqual(provenance["data"] as? String, "data")
                XCTAssertFalse(try text(run.path("\(chooser)-parts/manifest.json")).contains(run.folder), "no path of this machine")
            }
        }
    }

    func testTheDefaultsAreTheDeploymentAndTheFolderOfTheRun() throws {
        try withSmallRun { run in
            try run.complete("run")
            let folder = run.path("run")
            for (format, name) in [("onnx", "drnet.onnx"), ("onnx-parts", "onnx-parts/manifest.json"), ("pytorch", "pytorch/network.json")]
            {
                let result = try run.drnet(["export", folder, "--format", format])
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(FileManager.default.fileExists(atPath: "\(folder)/\(name)"), name)
                XCTAssertTrue(result.output.hasPrefix("\(folder), step "), result.text)
            }
            for (options, status, message) in [
                (["export", folder], 64, "--format"), (["export", folder, "--format", "tflite"], 64, "format"),
                (["export", folder, "--format", "onnx", "--batch-size", "0"], 64, "a number from 1 to 65536, or 'any'"),
                (["export", folder, "--format", "pytorch", "--batch-size", "2"], 64, "PyTorch takes any number"),
                (["export", run.path("none"), "--format", "onnx"], 1, run.path("none")),
                (["export", folder, "--format", "onnx", "-o", run.path("none/x.onnx")], 1, "does not exist"),
                (["export", folder, "--format", "onnx", "-o", folder], 1, "it is a folder"),
                (["export", folder, "--format", "onnx", "--deployment", "\(folder)/config.yaml"], 1, "it is not JSON"),
            ] as [([String], Int32, String)] {
                let result = try run.drnet(options)
                XCTAssertEqual(result.status, status, "\(options): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(options): \(result.text)")
            }
            try FileManager.default.removeItem(atPath: "\(folder)/deployment.json")
            let missing = try run.drnet(["export", folder, "--format", "onnx"])
            XCTAssertEqual(missing.status, 1)
            XCTAssertTrue(missing.errors.contains("run 'drnet recommend \(folder)' first"), missing.text)
        }
    }
}
