import TestSupport
import XCTest

@testable import Interchange

/// Checkpoints that PyTorch wrote; Tests/Fixtures/make_pytorch_fixtures.py makes them.
final class PyTorchFileTests: XCTestCase {
    private struct Expected: Decodable {
        var shape: [Int]
        var values: [Float]
    }

    private let folder = repositoryRoot + "/Tests/Fixtures/pytorch"

    private func expected(_ name: String) throws -> [String: Expected] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/values.json"))
        return try XCTUnwrap(try JSONDecoder().decode([String: [String: Expected]].self, from: data)[name])
    }

    private func check(_ file: PyTorchFile, _ expected: [String: Expected], line: UInt = #line) throws {
        XCTAssertEqual(file.names, expected.keys.sorted(), line: line)
        for (name, tensor) in expected {
            XCTAssertEqual(try file.shape(of: name), tensor.shape, name, line: line)
            XCTAssertEqual(try file.floats(of: name), tensor.values, name, line: line)
        }
    }

    /// All element types, non-contiguous tensors, shared storages, parameters, scalars and empty tensors, in three protocols.
    func testTensorsOfEveryKindHaveTheirValues() throws {
        for pickleProtocol in [2, 4, 5] {
            try check(try PyTorchFile(contentsOf: "\(folder)/tensors-\(pickleProtocol).pth"), try expected("tensors"))
        }
    }

    /// Containers in containers, numbers, texts and options beside the tensors.
    func testACheckpointOfATrainingHasItsTensorsByTheirPaths() throws {
        let file = try PyTorchFile(contentsOf: folder + "/checkpoint.pth")
        let names = ["state_dict.0.weight", "state_dict_ema.1.running_var", "optimizer.state.0.exp_avg", "list.0", "list.1.x"]
        XCTAssertEqual(Set(names).subtracting(file.names), [])
        try check(file, try expected("checkpoint"))
    }

    func testOtherFilesAreRefusedByWhatTheyAre() throws {
        let cases = [
            ("module.pth", "has an object of torch.nn.modules.linear.Linear. Only tensors, numbers, texts"),
            ("module.pth", "torch.load(\"\(folder)/module.pth\", map_location=\"cpu\", weights_only=False)"),
            ("numpy.pth", "has an object of numpy"), ("sparse.pth", "has an object of torch._utils._rebuild_sparse_tensor"),
            ("expanded.pth", "the tensor x of the shape [1000] repeats its 1 stored elements. Save it with .clone()"),
            ("script.pt", "this is a TorchScript archive, which is a program"),
            ("legacy.pth", "it is a PyTorch checkpoint of the format before PyTorch 1.6. Convert it in Python"),
        ]
        for (name, text) in cases {
            XCTAssertThrowsError(try TensorFiles.open("\(folder)/\(name)"), name) {
                XCTAssertTrue("\($0)".contains("\(folder)/\(name): "), "\($0)")
                XCTAssertTrue("\($0)".contains(text), "\($0)")
            }
        }
        // Complex numbers harm only those who need them.
        let complex = try TensorFiles.open(folder + "/complex.pth")
        XCTAssertEqual(try complex.shape(of: "x"), [2])
        XCTAssertThrowsError(try complex.floats(of: "x")) {
            XCTAssertTrue("\($0)".contains("the elements of x are ComplexFloatStorage; F32, "), "\($0)")
        }
        XCTAssertThrowsError(try complex.floats(of: "y")) { XCTAssertTrue("\($0)".contains("has no tensor y; it has x"), "\($0)") }
    }

    /// Each byte of a file is changed. The file is read, or refused with one of the project's errors; tensors have the values that they
    /// had.
    func testEveryChangedByteIsReadOrRefused() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/complex.pth")))
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 0x41
            do {
                _ = try PyTorchFile(Data(changed), path: "w.pth").names
            } catch {
                XCTAssertTrue("\(error)".hasPrefix("w.pth: "), "\(error)")
            }
        }
        for count in bytes.indices {
            XCTAssertThrowsError(try TensorFiles.open(Data(bytes.prefix(count)), path: "w.pth")) {
                XCTAssertTrue("\($0)".hasPrefix("w.pth: "), "\($0)")
            }
        }
    }

    func testADamagedStorageIsFoundByItsChecksum() throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: folder + "/tensors-2.pth"))
        let storage = try XCTUnwrap(try ZipArchive(data, path: "w.pth").entries["tensors-2/data/0"])
        data[storage.range.lowerBound + 5] ^= 1
        XCTAssertThrowsError(try PyTorchFile(data, path: "w.pth")) {
            XCTAssertTrue("\($0)".contains("the checksum of the entry tensors-2/data/0 is wrong"), "\($0)")
        }
    }
}
