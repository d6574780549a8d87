import Foundation
import TestSupport
import XCTest

@testable import ImageData

/// Tar files of several writers, and damaged ones.
final class TarReaderTests: XCTestCase {
    private func members(_ bytes: [UInt8]) throws -> [TarReader.Member] {
        try TarReader.members(size: bytes.count) { Array(bytes[$0]) }
    }

    private func contents(_ bytes: [UInt8]) throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try members(bytes).map { (FileSystemPath.text($0.name), FileSystemPath.text(bytes[$0.bytes])) })
    }

    private func check(_ bytes: [UInt8], _ reason: String, line: UInt = #line) {
        XCTAssertThrowsError(try members(bytes), line: line) {
            XCTAssertTrue("\($0)".contains(reason), "\($0)", line: line)
        }
    }

    private let long = Array((String(repeating: "folder/", count: 30) + "x.jpg").utf8)

    func testWhatIsWrittenIsRead() throws {
        let files: [([UInt8], [UInt8])] = [
            (Array("a/1.jpg".utf8), Array("first".utf8)), (long, [UInt8](repeating: 7, count: 512)), (Array("é.cls".utf8), [0x33]),
            ([0x61, 0xF6], Array("not UTF-8".utf8)), (Array("empty".utf8), []),
        ]
        let bytes = files.flatMap { TarWriter.member($0.0, $0.1) }
        for end in [TarWriter.end, Array(TarWriter.end.prefix(512)), [], [UInt8](repeating: 0, count: 10240)] {
            let found = try members(bytes + end)
            XCTAssertEqual(found.map(\.name), files.map(\.0))
            XCTAssertEqual(found.map { Array(bytes[$0.bytes]) }, files.map(\.1))
            for (member, file) in zip(found, files) { XCTAssertEqual(member.beginning, Array(file.1.prefix(1024))) }
        }
        for (name, file) in files {
            XCTAssertEqual(TarWriter.member(name, file).count, TarWriter.memberBytes(name: name.count, contents: file.count))
        }
    }

    /// GNU tar of the system, in each of its formats: long names, folders, links.
    func testArchivesOfGNUTarAreRead() throws {
        try withTemporaryFolder { folder in
            let name = String(repeating: "folder-with-a-long-name/", count: 8) + "x.txt"
            try FileManager.default.createDirectory(
                atPath: (folder + "/in/" + name as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data("long".utf8).write(to: URL(fileURLWithPath: folder + "/in/" + name))
            try Data("short".utf8).write(to: URL(fileURLWithPath: folder + "/in/é.txt"))
            try FileManager.default.createSymbolicLink(atPath: folder + "/in/link", withDestinationPath: "é.txt")
            for format in ["gnu", "ustar", "posix", "v7"] where format != "v7" || name.utf8.count < 99 {
                let result = try ProcessRunner.run(
                    "/usr/bin/env", ["tar", "--format", format, "-C", folder + "/in", "-cf", folder + "/x.tar", "."], timeout: 60)
                XCTAssertEqual(result.status, 0, result.text)
                let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/x.tar")))
                XCTAssertEqual(try contents(bytes), ["./" + name: "long", "./é.txt": "short"], format)
            }
        }
    }

    func testDamagedArchivesAreRefused() {
        let good = TarWriter.member(Array("a.jpg".utf8), [UInt8](repeating: 1, count: 600))
        check(Array(good.prefix(900)), "ends inside of a member")
        check(Array(good.prefix(300)), "ends inside of a member")
        check(good + [1, 2, 3], "ends inside of a member")
        var damaged = good
        damaged[0] = 0x62
        check(damaged, "the header at byte 0 is damaged")
        check(good + [UInt8](repeating: 0x41, count: 512), "the header at byte 1536 is damaged")
        check([0x1F, 0x8B, 8] + good, "it is compressed (gzip)")
        check(Array("BZh9".utf8) + good, "it is compressed (bzip2)")
    }

    /// Sizes that are larger than the file, or that no file has.
    func testSizesAreCheckedBeforeTheyAreUsed() {
        for size in ["77777777777", "00000010000"] { check(withSize(Array(size.utf8) + [0]), "ends inside of a member") }
        check(withSize([0x80, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8)), "ends inside of a member")
        check(withSize([0x80, 0, 0, 0, 0x7F] + [UInt8](repeating: 0xFF, count: 7)), "ends inside of a member")
        check(withSize([0xFF] + [UInt8](repeating: 0xFF, count: 11)), "ends inside of a member")
        check(withSize(Array("0000000009x".utf8) + [0]), "ends inside of a member")
        for record in ["29 size=99999999999999999999\n", "11 size=-1\n"] { check(pax(record), "a damaged size") }
        check(pax("21 size=999999999999\n"), "ends inside of a member")
        for record in ["5 a\n", "999 path=x\n", "0 path=x\n", "path=x\n", "-9 path=x\n", "3 =\n"] {
            check(pax(record), "a header of pax is damaged")
        }
        check(pax("22 GNU.sparse.major=1\n"), "a sparse file")
    }

    func testTheSizeOfPaxIsThatOfTheNextFile() throws {
        var bytes = pax("12 size=600\n")
        // The header of the file itself has 3 bytes.
        bytes += [UInt8](repeating: 5, count: 1024 - 512)
        let found = try members(bytes)
        XCTAssertEqual(found.map(\.bytes.count), [600])
    }

    private func withSize(_ field: [UInt8]) -> [UInt8] {
        var bytes = TarWriter.member(Array("a.jpg".utf8), [1, 2, 3])
        bytes.replaceSubrange(124..<136, with: field)
        return withChecksum(bytes)
    }

    private func withChecksum(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes.replaceSubrange(148..<156, with: [UInt8](repeating: 32, count: 8))
        let digits = String(bytes[..<512].reduce(0) { $0 + Int($1) }, radix: 8)
        bytes.replaceSubrange(148..<148 + digits.utf8.count, with: digits.utf8)
        return bytes
    }

    /// A header of pax with one record, and a file of three bytes.
    private func pax(_ record: String) -> [UInt8] {
        var header = TarWriter.member(Array("pax".utf8), Array(record.utf8))
        header[156] = UInt8(ascii: "x")
        return withChecksum(header) + TarWriter.member(Array("a.jpg".utf8), [1, 2, 3])
    }
}
