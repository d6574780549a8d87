import TestSupport
import XCTest

@testable import Interchange

/// Models in several safetensors files.
final class ShardedSafetensorsTests: XCTestCase {
    private func problem(_ path: String) -> String {
        do {
            _ = try TensorFiles.open(path)
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// Writes an index.
    private func write(_ map: [String: String], to path: String) throws {
        try JSONSerialization.data(withJSONObject: ["metadata": ["total_size": 8], "weight_map": map]).write(to: URL(fileURLWithPath: path))
    }

    func testTensorsComeFromTheFilesThatTheIndexNames() throws {
        try withTemporaryFolder { folder in
            let index = folder + "/" + TensorFiles.indexName
            try SafetensorsFile.write([NamedTensor(name: "a", shape: [2], values: [1, 2])], to: folder + "/model-1.safetensors")
            try SafetensorsFile.write([NamedTensor(name: "b", shape: [1, 1], values: [3])], to: folder + "/model-2.safetensors")
            try write(["a": "model-1.safetensors", "b": "model-2.safetensors"], to: index)
            let file = try TensorFiles.open(index)
            XCTAssertEqual(file.names, ["a", "b"])
            XCTAssertEqual(try file.floats(of: "a"), [1, 2])
            XCTAssertEqual(try file.shape(of: "b"), [1, 1])
            XCTAssertThrowsError(try file.floats(of: "c")) { XCTAssertTrue("\($0)".contains("\(index): has no tensor c"), "\($0)") }

            try write(["a": "model-1.safetensors", "b": "model-1.safetensors"], to: index)
            XCTAssertTrue(
                problem(index).contains("model-1.safetensors: damaged or not of the expected kind: it lacks tensors of"), problem(index))
            try write(["a": "model-1.safetensors", "b": "model-3.safetensors"], to: index)
            XCTAssertTrue(problem(index).contains("1 of its 2 files are missing in \(folder): model-3.safetensors"), problem(index))
        }
    }

    func testNamesOfFilesStayInTheFolder() throws {
        try withTemporaryFolder { folder in
            let index = folder + "/inner/" + TensorFiles.indexName
            try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
            try SafetensorsFile.write([NamedTensor(name: "a", shape: [1], values: [1])], to: folder + "/out.safetensors")
            for name in ["../out.safetensors", folder + "/out.safetensors", "", ".", "..", "x/../../out.safetensors", "a\u{0}b"] {
                try write(["a": name], to: index)
                XCTAssertTrue(problem(index).contains("is not the name of a file in the same folder"), "\(name): \(problem(index))")
            }
            for text in ["{\"weight_map\": []}", "{\"weight_map\": {\"a\": 1}}", "{\"weight_map\": "] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: index))
                XCTAssertTrue(problem(index).contains("its weight_map is no object of texts"), problem(index))
            }
            try Data("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}".utf8).write(to: URL(fileURLWithPath: index))
            XCTAssertTrue(problem(index).contains("it has the key a twice"), problem(index))
        }
    }
}
