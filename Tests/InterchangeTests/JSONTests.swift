import TestSupport
import XCTest

@testable import Interchange

final class JSONTests: XCTestCase {
    private struct Numbers: Codable {
        var floats: [Float]
        var doubles: [Double]
    }

    func testFiniteNumbersKeepTheirBits() throws {
        var generator = SystemRandomNumberGenerator()
        let special: [Double] = [0, -0.0, 0.1, 1e23, .pi, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
        let specialFloats: [Float] = [0, -0.0, 0.1, 16_777_216, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude]
        let numbers = Numbers(
            floats: specialFloats + (0..<200_000).map { _ in Float(bitPattern: generator.next()) }.filter(\.isFinite),
            doubles: special + (0..<200_000).map { _ in Double(bitPattern: generator.next()) }.filter(\.isFinite))
        let decoded = try JSON.decode(Numbers.self, from: try JSON.encode(numbers, .compact), source: "memory")
        XCTAssertEqual(decoded.floats.map(\.bitPattern), numbers.floats.map(\.bitPattern))
        XCTAssertEqual(decoded.doubles.map(\.bitPattern), numbers.doubles.map(\.bitPattern))
    }

    func testInfinitiesAndNaNAreWrittenAndReadAsStrings() throws {
        let numbers = Numbers(floats: [.infinity, -.infinity, .nan], doubles: [.infinity, -.infinity, .nan])
        let text = try JSON.encode(numbers, .compact)
        XCTAssertEqual(String(decoding: text, as: UTF8.self), #"{"doubles":["inf","-inf","nan"],"floats":["inf","-inf","nan"]}"#)
        let decoded = try JSON.decode(Numbers.self, from: text, source: "memory")
        XCTAssertEqual(decoded.floats.map(\.bitPattern), numbers.floats.map(\.bitPattern))
        XCTAssertEqual(decoded.doubles.map(\.bitPattern), numbers.doubles.map(\.bitPattern))
    }

    func testFilesAreIndentedWithSortedKeysAndErrorsNameTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/a.json"
            try JSON.write(["b": "x/y", "a": "z"], to: path)
            XCTAssertEqual(try String(contentsOfFile: path, encoding: .utf8), "{\n  \"a\" : \"z\",\n  \"b\" : \"x/y\"\n}")
            XCTAssertEqual(try JSON.read([String: String].self, from: path), ["a": "z", "b": "x/y"])
            XCTAssertThrowsError(try JSON.read([Int].self, from: path)) {
                XCTAssertEqual("\($0)", "\(path): damaged or not of the expected kind: the value is of another kind")
            }
            XCTAssertThrowsError(try JSON.read([Int].self, from: folder + "/b.json")) {
                XCTAssertEqual("\($0)", "\(folder)/b.json: cannot read the file: No such file or directory")
            }
        }
    }

    func testFoldersAreCreatedAndListedAndErrorsHaveTheSystemsReasons() throws {
        try withTemporaryFolder { folder in
            try DurableFile.createFolder(folder + "/a/b")
            try DurableFile.createFolder(folder + "/a/b/")
            try Data().write(to: URL(fileURLWithPath: folder + "/a/file"))
            XCTAssertEqual(try DurableFile.names(in: folder + "/a").sorted(), ["b", "file"])
            let refusals: [(() throws -> Void, String)] = [
                ({ try DurableFile.createFolder(folder + "/a/file") }, "a/file: cannot create the folder: File exists"),
                ({ try DurableFile.createFolder(folder + "/a/file/c") }, "a/file: cannot create the folder: File exists"),
                ({ _ = try DurableFile.names(in: folder + "/c") }, "c: cannot list the folder: No such file or directory"),
                ({ _ = try DurableFile.read(folder + "/a") }, "a: cannot read the file: Is a directory"),
            ]
            for (action, message) in refusals {
                XCTAssertThrowsError(try action()) { XCTAssertTrue("\($0)".hasSuffix(message), "\($0) is not \(message)") }
            }
        }
    }

    func testTheChecksumEqualsZlibsForAnyPartition() {
        let bytes = Array("123456789".utf8)
        XCTAssertEqual(bytes.withUnsafeBytes { CRC32($0).value }, 0xCBF4_3926, "the check value of CRC-32")
        var inParts = CRC32()
        for part in [bytes[..<4], [], bytes[4...]] { Array(part).withUnsafeBytes { inParts.add($0) } }
        XCTAssertEqual(inParts.value, 0xCBF4_3926)
        XCTAssertEqual(CRC32().value, 0)
    }
}
