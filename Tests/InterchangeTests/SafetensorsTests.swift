import TestSupport
import XCTest

@testable import Interchange

final class SafetensorsTests: XCTestCase {
    private let tensors = [
        NamedTensor(name: "b", shape: [2, 3], values: [1, -2, 3.5, 0, .infinity, 1e-30]),
        NamedTensor(name: "a", shape: [], values: [7]), NamedTensor(name: "empty", shape: [0, 4], values: []),
    ]

    func testTensorsKeepTheirBits() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/file.safetensors"
            try SafetensorsFile.write(tensors, metadata: ["format": "pt"], to: path)
            let file = try SafetensorsFile(contentsOf: path)
            XCTAssertEqual(file.names, ["a", "b", "empty"])
            XCTAssertEqual(file.metadata, ["format": "pt"])
            for tensor in tensors {
                XCTAssertEqual(try file.shape(of: tensor.name), tensor.shape)
                XCTAssertEqual(try file.floats(of: tensor.name), tensor.values)
            }
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["file.safetensors"])
        }
    }

    func testOtherElementTypesAreConverted() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/types.safetensors"
            let cases: [(String, [UInt8], Float)] = [
                ("F16", [0x00, 0x3E], 1.5), ("F16", [0x01, 0x80], -0x1p-24), ("BF16", [0xC0, 0x3F], 1.5),
                ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], 1.5), ("I64", [3, 0, 0, 0, 0, 0, 0, 0], 3), ("U8", [200], 200),
            ]
            for (type, bytes, expected) in cases {
                try write(#"{"x":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,\#(bytes.count)]}}"#, bytes, to: path)
                XCTAssertEqual(try SafetensorsFile(contentsOf: path).floats(of: "x"), [expected], type)
            }
        }
    }

    func testErrorsAboutDamagedHeadersNameFileAndTensor() throws {
        let cases = [
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#: "needs 8 bytes",
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#: "4 bytes before the data of x belong to no tensor",
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#: "an incomplete download or copy",
            #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#: "it has 2 bytes after its last tensor",
            #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#: "impossible bytes 4–0",
            #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[9223372036854775800,9223372036854775804]}}"#: "impossible bytes",
            #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,99999999999999999999]}}"#: "of the wrong type",
            #"{"x":{"dtype":"F64","shape":[0.5],"data_offsets":[0,4]}}"#: "of the wrong type",
            #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#:
                "the key x twice",
            #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0078":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#:
                "the key x twice",
            #"{"x":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#: "the key dtype twice",
            #"{"__metadata__":{"n":5},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#: "__metadata__ is not an object of texts",
            "{\"a\":" + String(repeating: "[", count: 100_000): "no JSON object",
            #"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#: "impossible shape",
            #"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#: "impossible shape",
            #"{"x":{"dtype":"F32","shape":[1]}}"#: "missing",
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#: "overlap",
            "[1, 2]": "the '{' of a safetensors header", "{": "no JSON object",
        ]
        try withTemporaryFolder { folder in
            let path = folder + "/bad.safetensors"
            for (header, reason) in cases {
                try write(header, [0, 0, 0, 0], to: path)
                assertRefused(path, reason)
            }
        }
    }

    func testAnUnknownElementTypeMattersOnlyWhereItIsRead() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/types.safetensors"
            try write(
                #"{"x":{"dtype":"F99","shape":[9],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}"#,
                [0, 0, 0, 0, 7], to: path)
            let file = try SafetensorsFile(contentsOf: path)
            XCTAssertEqual(try file.floats(of: "y"), [7])
            XCTAssertEqual(try file.shape(of: "x"), [9])
            XCTAssertThrowsError(try file.floats(of: "x")) { XCTAssertTrue("\($0)".contains("the elements of x are F99"), "\($0)") }
        }
    }

    func testATruncatedFileIsRejectedWithoutATrap() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/cut.safetensors"
            try SafetensorsFile.write(tensors, to: path)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for count in 0..<whole.count {
                try whole.prefix(count).write(to: URL(fileURLWithPath: path))
                assertRefused(path, "")
            }
            try Data([255, 255, 255, 255, 255, 255, 255, 255, 0]).write(to: URL(fileURLWithPath: path))
            assertRefused(path, "header")
            try whole.prefix(100).write(to: URL(fileURLWithPath: path))
            assertRefused(path, "it ends within its header, after 100 of ")
            try whole.dropLast(1).write(to: URL(fileURLWithPath: path))
            assertRefused(path, "it has \(whole.count - 1) of \(whole.count) bytes: an incomplete download or copy")
        }
    }

    func testErrorsNameAMissingFileOrTensor() throws {
        assertRefused("/nowhere/x.safetensors", "cannot read the file: No such file or directory")
        try withTemporaryFolder { folder in
            try SafetensorsFile.write(tensors, to: folder + "/x")
            XCTAssertThrowsError(try SafetensorsFile(contentsOf: folder + "/x").floats(of: "c")) {
                XCTAssertTrue("\($0)".contains("no tensor c; it has a, b"), "\($0)")
            }
        }
    }

    func testAFailedWriteLeavesNoFile() throws {
        XCTAssertThrowsError(try SafetensorsFile.write(tensors, to: "/proc/nowhere/x")) {
            XCTAssertTrue("\($0)".contains("/proc/nowhere/x"), "\($0)")
        }
    }

    private func assertRefused(_ path: String, _ reason: String, line: UInt = #line) {
        XCTAssertThrowsError(try SafetensorsFile(contentsOf: path), line: line) { error in
            XCTAssertTrue("\(error)".hasPrefix(path), "\(error)", line: line)
            if !reason.isEmpty { XCTAssertTrue("\(error)".contains(reason), "\(error) has no '\(reason)'", line: line) }
        }
    }

    private func write(_ header: String, _ bytes: [UInt8], to path: String) throws {
        var data = Data(header.utf8.count.littleEndianBytes)
        data.append(Data(header.utf8))
        data.append(Data(bytes))
        try data.write(to: URL(fileURLWithPath: path))
    }
}

extension Int {
    fileprivate var littleEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}
