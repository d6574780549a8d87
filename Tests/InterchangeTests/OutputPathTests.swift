import Foundation
import TestSupport
import XCTest

@testable import Interchange

final class OutputPathTests: XCTestCase {
    func testAWritablePathPassesAndStaysAsItIs() throws {
        try withTemporaryFolder { folder in
            try OutputPath.requireFile(folder + "/new.csv")
            XCTAssertEqual(try DurableFile.names(in: folder), [])
            try DurableFile.write(Data("old".utf8), to: folder + "/old.csv")
            try OutputPath.requireFile(folder + "/old.csv")
            XCTAssertEqual(try DurableFile.read(folder + "/old.csv"), Data("old".utf8))
            try OutputPath.requireFolder(folder + "/a/b")
            XCTAssertEqual(try DurableFile.names(in: folder + "/a/b"), [])
            try OutputPath.requireFile("/dev/null")
        }
    }

    func testAPathOfOneCharacterPasses() throws {
        try withTemporaryFolder { folder in
            let before = FileManager.default.currentDirectoryPath
            XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(folder))
            defer { XCTAssertTrue(FileManager.default.changeCurrentDirectoryPath(before)) }
            try OutputPath.requireFile("p")
            try OutputPath.write(Data("new".utf8), to: "p")
            XCTAssertEqual(try DurableFile.read("p"), Data("new".utf8))
        }
    }

    func testOtherPathsAreRefusedWithTheReason() throws {
        try withTemporaryFolder { folder in
            try DurableFile.write(Data("old".utf8), to: folder + "/file")
            for (path, reason) in [
                ("", "not the path of a file"), (folder + "/", "not the path of a file"), (folder, "it is a folder"),
                (folder + "/none/file", "/none does not exist; create it"), (folder + "/file/file", "Not a directory"),
                (folder + "/" + String(repeating: "x", count: 300), "name too long"), ("/proc/file", "No such file"),
            ] {
                XCTAssertThrowsError(try OutputPath.requireFile(path), path) {
                    XCTAssertTrue("\($0)".hasPrefix("\(path): cannot write the file: ") && "\($0)".contains(reason), "\($0)")
                }
            }
            XCTAssertThrowsError(try OutputPath.requireFolder(folder + "/file"))
            XCTAssertThrowsError(try OutputPath.requireFolder("/proc/folder"))
        }
    }

    func testPipesAreWrittenInPlace() throws {
        try withTemporaryFolder { folder in
            let pipe = folder + "/pipe"
            XCTAssertEqual(mkfifo(pipe, 0o600), 0)
            let reading = open(pipe, O_RDONLY | O_NONBLOCK)
            defer { close(reading) }
            try OutputPath.write(Data("text".utf8), to: pipe)
            var bytes = [UInt8](repeating: 0, count: 10)
            XCTAssertEqual(read(reading, &bytes, 10), 4)
            XCTAssertEqual(String(decoding: bytes.prefix(4), as: UTF8.self), "text")
        }
    }

    func testOnlyMissingPermissionsAreRefusals() {
        for code in [EROFS, EACCES, EPERM] {
            XCTAssertTrue(InterchangeError.system(path: "p", action: "write", code: code).isRefusal)
        }
        XCTAssertFalse(InterchangeError.system(path: "p", action: "write", code: ENOSPC).isRefusal)
        XCTAssertFalse(InterchangeError.malformed(path: "p", reason: "Permission denied").isRefusal)
    }

    func testLongListsAreCutAfterTenWithACount() {
        XCTAssertEqual(Figures.list(["a", "b"]), "a, b")
        XCTAssertEqual(Figures.list((1...10).map(String.init)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")
        XCTAssertEqual(Figures.list((1...1000).map(String.init)), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 990 more")
        XCTAssertEqual(Figures.list(["a", "b", "c"], limit: 1, separator: "; "), "a and 2 more")
        XCTAssertEqual(Figures.list([String]()), "")
        XCTAssertEqual(Figures.difference(["b", "c"], from: ["a", "b"]), "new: c; missing: a")
        XCTAssertEqual(Figures.difference(["b", "a"], from: ["a", "b"]), "another order")
    }
}
