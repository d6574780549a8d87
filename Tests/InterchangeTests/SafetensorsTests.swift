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
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#: "the file has 4 bytes",
            #"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#: "impossible shape",
            #"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#: "impossible shape",
            #"{"x":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#: "unknown element type F99",
            #"{"x":{"dtype":"F32","shape":[1]}}"#: "missing",
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#: "overlap",
            "[1, 2]": "no JSON object", "{": "no JSON object",
        ]
        try withTemporaryFolder { folder in
            let path = folder + "/bad.safetensors"
            for (header, reason) in cases {
                try write(header, [0, 0, 0, 0], to: path)
                assertRefused(path, reason)
            }
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
