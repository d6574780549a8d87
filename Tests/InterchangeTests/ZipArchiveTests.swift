import XCTest

@testable import Interchange

/// Zip directories that are damaged, or made to mislead.
final class ZipArchiveTests: XCTestCase {
    private func archive(_ change: (inout ZipBuilder) -> Void = { _ in }) -> [UInt8] {
        var zip = ZipBuilder()
        change(&zip)
        zip.add("a", [1, 2, 3])
        zip.add("b", [4, 5])
        return zip.finished()
    }

    private func problem(_ bytes: [UInt8], _ name: String = "a") -> String {
        do {
            _ = try ZipArchive(Data(bytes), path: "w.pth").data(of: name)
            return ""
        } catch {
            return "\(error)"
        }
    }

    func testStoredEntriesAreFoundWithSmallAndLargeSizes() throws {
        for isLarge in [false, true] {
            for comment in [0, 5, 65_535] {
                var bytes = archive { $0.isLarge = isLarge }
                bytes.replaceSubrange((bytes.count - 2)..., with: ZipBuilder.number(comment, 2) + [UInt8](repeating: 0x50, count: comment))
                let zip = try ZipArchive(Data(bytes), path: "w.pth")
                XCTAssertEqual(zip.entries.keys.sorted(), ["a", "b"])
                XCTAssertEqual([UInt8](try zip.data(of: "a")), [1, 2, 3])
                XCTAssertEqual([UInt8](try zip.data(of: "b")), [4, 5])
            }
        }
        XCTAssertEqual(try ZipArchive(Data(ZipBuilder().finished()), path: "w.pth").entries.count, 0)
    }

    func testMisleadingDirectoriesAreRefused() {
        let whole = archive()
        func changed(_ change: @escaping (inout (name: String, size: Int, start: Int)) -> Void, isLarge: Bool = false) -> [UInt8] {
            archive {
                $0.change = change
                $0.isLarge = isLarge
            }
        }
        let cases: [([UInt8], String)] = [
            (changed { $0.name = "a" }, "is not where its zip directory says"),
            (
                changed {
                    $0.start = 0
                    $0.name = "a"
                }, "has the entry a twice"
            ),
            (changed { $0.size = 1_000_000 }, "the entry a of 1000000 bytes ends outside of the file"),
            (changed({ $0.size = 1 << 62 }, isLarge: true), "ends outside of the file"),
            (changed({ $0.size = -1 }, isLarge: true), "refers to bytes that it does not have"),
            (changed({ $0.start = 1 << 62 }, isLarge: true), "is not where its zip directory says"),
            (changed { $0.start += 1 }, "is not where its zip directory says"),
            // The first entry reaches into the second one.
            (changed { if $0.name == "a" { $0.size = 10 } }, "the entries a and b overlap"),
            (archive { $0.flags = 1 }, "is encrypted"), (archive { $0.method = 8 }, "the entry a is compressed, which PyTorch never does"),
            (Array(whole.dropLast()), "the directory at the end of the zip archive is missing"), ([], "is missing"),
            (Array(whole.dropFirst(4)), "larger than the file"),
        ]
        for (bytes, text) in cases { XCTAssertTrue(problem(bytes).contains(text), "\(text): \(problem(bytes))") }
        XCTAssertEqual(problem(whole), "")
        XCTAssertTrue(problem(whole, "../a").contains("it has no entry ../a"))
    }

    /// Numbers of the record at the end that are too large for the file.
    func testSizesAreCheckedBeforeTheyAreUsed() {
        let whole = archive()
        for (offset, size) in [(10, 2), (12, 4), (16, 4)] {
            var bytes = whole
            bytes.replaceSubrange(bytes.count - 22 + offset..<bytes.count - 22 + offset + size, with: [UInt8](repeating: 0xFE, count: size))
            XCTAssertTrue(problem(bytes).contains("larger than the file"), problem(bytes))
        }
        let large = archive { $0.isLarge = true }
        let record = large.count - 22 - 20 - 56
        for offset in [32, 40, 48] {
            var bytes = large
            bytes.replaceSubrange(record + offset..<record + offset + 8, with: [UInt8](repeating: 0x7F, count: 8))
            XCTAssertTrue(problem(bytes).contains("larger than the file"), problem(bytes))
        }
        for position in large.indices {
            var bytes = large
            bytes[position] ^= 0xFF
            _ = problem(bytes)
        }
    }
}
