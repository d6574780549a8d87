import TestSupport
import XCTest

@testable import Interchange

/// Files that people have in place of a safetensors file.
final class FileKindTests: XCTestCase {
    private func message(_ bytes: Data, name: String = "w.safetensors") throws -> String {
        try withTemporaryFolder { folder in
            try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            do {
                _ = try SafetensorsFile(contentsOf: "\(folder)/\(name)")
                return "loaded"
            } catch {
                XCTAssertTrue("\(error)".hasPrefix("\(folder)/\(name): "), "\(error)")
                return "\(error)".replacingOccurrences(of: folder + "/", with: "")
            }
        }
    }

    func testTheContentsAreNamedWhateverTheNameOfTheFile() throws {
        let zeros = [UInt8](repeating: 0, count: 40)
        let cases: [([UInt8], String)] = [
            ([], "it is empty"), (zeros, "zeros: an incomplete download or copy"),
            (Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46807446\n".utf8), "Run 'git lfs pull'"),
            ([0x50, 0x4B, 3, 4, 0, 0, 8, 8] + zeros + Array("archive/data.pkl".utf8) + zeros, "a PyTorch checkpoint (.pth)"),
            ([0x50, 0x4B, 3, 4, 20, 0] + zeros + Array("arr_0.npy".utf8) + zeros, "a NumPy archive (.npz)"),
            ([0x50, 0x4B, 3, 4, 20, 0] + zeros + Array("readme.txt".utf8) + zeros, "it is a zip archive"),
            ([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E], "before PyTorch 1.6"),
            ([0x80, 4, 0x95] + zeros, "a Python pickle"), (Array("<!DOCTYPE html><html>…".utf8), "a web page (HTML)"),
            (Array("\n\n  <HTML lang=\"en\">".utf8), "a web page (HTML)"),
            ([0xEF, 0xBB, 0xBF] + Array("<html>".utf8), "a web page (HTML)"),
            (Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>".utf8), "an XML text, such as an error message"),
            (Array(#"{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#.utf8), "the index of a model in several"),
            (Array(#"{"error": "not found"}"#.utf8), "a JSON text"), ([0x1F, 0x8B, 8, 0] + zeros, "compressed with gzip"),
            (Array("BZh91AY".utf8) + [1, 2, 3], "compressed with bzip2"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 4, 1], "compressed with xz"),
            ([0x28, 0xB5, 0x2F, 0xFD] + zeros, "compressed with zstd"), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C] + zeros, "a 7-Zip archive"),
            ([0x61] + [UInt8](repeating: 0, count: 256) + Array("ustar".utf8) + zeros, "a tar archive"),
            ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A] + zeros, "an HDF5 file"), (Array("GGUF".utf8) + [3] + zeros, "a GGUF file"),
            ([0x93] + Array("NUMPY".utf8) + [1, 0] + zeros, "a NumPy array"),
            ([8, 8, 0x12, 7] + Array("pytorch".utf8) + zeros, "like an ONNX model"),
            ([1, 2, 3, 4] + zeros + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB], "the index of a TensorFlow checkpoint"),
            (Array("404: Not Found".utf8), "a text file of 14 bytes that begins with '404: Not Found'"),
            ([0xFF, 0xD8, 0xFF, 0xE0] + zeros, "a JPEG image"), ([0xFF, 0xFE, 0x3C, 0, 0x68, 0, 0x74, 0, 0x6D], "a text file (UTF-16)"),
            ([1, 2, 3], "3 bytes are too few"), ([9, 9, 9, 9, 9, 9, 9, 9, 9, 9], "a text file of 10 bytes"),
            ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "does not begin with the length and the '{'"),
        ]
        for (bytes, expected) in cases {
            for name in ["w.safetensors", "w.pth"] {
                let found = try message(Data(bytes), name: name)
                XCTAssertTrue(found.contains(expected), "\(expected): \(found)")
            }
        }
    }

    func testThePythonThatConvertsAPyTorchFileNamesTheFiles() throws {
        let bytes = Data([0x50, 0x4B, 3, 4, 0, 0, 8, 8] + Array("/data.pkl".utf8))
        let text = try message(bytes, name: #"a "b" \c.pth"#)
        XCTAssertTrue(text.contains(#"torch.load("a \"b\" \\c.pth", map_location="cpu", weights_only=True)"#), text)
        XCTAssertTrue(text.contains(#", "a \"b\" \\c.safetensors")"#), text)
        XCTAssertEqual(text.split(separator: "\n").count, 3, text)
    }

    func testFoldersAndMissingFilesHaveTheSystemsReason() throws {
        try withTemporaryFolder { folder in
            for (path, reason) in [
                (folder, "Is a directory"), (folder + "/none", "No such file or directory"), (folder + "/a/\0b", "No such"),
            ] {
                XCTAssertThrowsError(try SafetensorsFile(contentsOf: path)) {
                    XCTAssertTrue("\($0)".contains("cannot read the file: \(reason)"), "\($0)")
                }
            }
        }
    }
}
