import TestSupport
import XCTest

@testable import Interchange

final class DurableFileTests: XCTestCase {
    func testTheParentOfAPath() {
        let cases = [
            ("a", "."), ("a/b", "a"), ("/a", "/"), ("/", "/"), ("a/", "."), ("a//b//", "a"), ("./a", "."), ("/a/b", "/a"), ("é/b", "é"),
            ("a/\u{301}", "a"), ("", "."),
        ]
        for (path, parent) in cases { XCTAssertEqual(DurableFile.parent(of: path), parent, path) }
    }

    func testFilesAndFoldersWithNamesOfOneCharacter() throws {
        try withTemporaryFolder { folder in
            let before = FileManager.default.currentDirectoryPath
            XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(folder))
            defer { XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(before)) }
            try DurableFile.createFolder("a")
            try DurableFile.write(Data("x".utf8), to: "b")
            XCTAssertEqual(try DurableFile.names(in: ".").sorted(), ["a", "b"])
        }
    }

    func testOnlyAMissingFileIsAbsent() throws {
        try withTemporaryFolder { folder in
            XCTAssertNil(try DurableFile.kind(of: folder + "/a"))
            XCTAssertEqual(try DurableFile.kind(of: folder), .folder)
            try DurableFile.write(Data(), to: folder + "/b")
            XCTAssertEqual(try DurableFile.kind(of: folder + "/b"), .file)
            XCTAssertNil(try DurableFile.kind(of: folder + "/b/c"))
            XCTAssertEqual(try DurableFile.kind(of: "/dev/null"), .other)
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: folder + "/a")
            XCTAssertThrowsError(try DurableFile.kind(of: folder + "/link")) {
                XCTAssertEqual("\($0)", "\(folder)/link: cannot follow this symbolic link: No such file or directory")
            }
            try FileManager.default.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: folder + "/loop")
            XCTAssertThrowsError(try DurableFile.kind(of: folder + "/loop")) {
                XCTAssertEqual("\($0)", "\(folder)/loop: cannot look at the file: Too many levels of symbolic links")
            }
        }
    }

    func testLargeFilesAreReadInParts() throws {
        try withTemporaryFolder { folder in
            let data = Data((0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            try DurableFile.write(data, to: folder + "/a")
            XCTAssertEqual(try DurableFile.read(folder + "/a"), data)
            var parts = Data()
            try DurableFile.readParts(of: folder + "/a") {
                parts += $0
                return true
            }
            XCTAssertEqual(parts, data)
            XCTAssertEqual(try DurableFile.read(folder + "/a", limit: data.count), data)
            XCTAssertNil(try DurableFile.read(folder + "/a", limit: data.count - 1))
            XCTAssertFalse(try DurableFile.read("/proc/self/stat").isEmpty, "a file that has no size")
        }
    }

    func testOnlyTemporaryFilesAreRemoved() throws {
        try withTemporaryFolder { folder in
            let names = ["config.yaml", "config.yaml.12.tmp", "a.tmp", "12.tmp", "notes.1x.tmp", "b.3.tmp"]
            for name in names { try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
            try DurableFile.removeTemporaries(in: folder)
            XCTAssertEqual(try DurableFile.names(in: folder).sorted(), ["12.tmp", "a.tmp", "config.yaml", "notes.1x.tmp"])
        }
    }
}
