import Foundation
import TestSupport
import XCTest

@testable import ImageData

/// Files that are damaged in their pixels are rejected by name. Damage that concerns no pixel is accepted; `DecoderTests` covers it.
final class DamagedImageTests: XCTestCase {
    private let folder = repositoryRoot + "/Tests/Fixtures/images"

    private func file(_ name: String) throws -> [UInt8] { try FileBytes.read(FileSystemPath("\(folder)/\(name)")) }

    private func assertDamaged(_ file: [UInt8], _ reason: String = "", _ label: String = "", line: UInt = #line) {
        XCTAssertThrowsError(try ImageDecoder.decode(file, path: "some/file"), label, line: line) {
            XCTAssertTrue("\($0)".hasPrefix("some/file: damaged"), "\(label): \($0)", line: line)
            XCTAssertTrue(reason.isEmpty || "\($0)".contains(reason), "\(label): \($0)", line: line)
        }
    }

    private func index(of bytes: [UInt8], in file: [UInt8]) throws -> Int {
        try XCTUnwrap(file.indices.first { file[$0...].starts(with: bytes) })
    }

    // MARK: JPEG

    func testAJPEGWhosePixelsEndTooEarlyIsDamaged() throws {
        let baseline = try file("baseline.jpg")
        // Cut, with and without an end marker.
        assertDamaged(Array(baseline.prefix(baseline.count / 2)), "truncated")
        assertDamaged(Array(baseline.prefix(baseline.count - 40)) + [0xFF, 0xD9], "premature end")
        // Without the end marker, the last row is not complete. Pillow rejects the file, too.
        assertDamaged(Array(baseline.dropLast(2)), "truncated")
        XCTAssertNoThrow(try ImageDecoder.decode(baseline.dropLast(2) + [UInt8](repeating: 0, count: 64), path: "x"))
    }

    func testAJPEGWithInvalidCodesOrLostRestartMarkersIsDamaged() throws {
        var restart = try file("variants/restart.jpg")
        let marker = try index(of: [0xFF, 0xD1], in: restart)
        restart[marker + 1] = 0xD5
        assertDamaged(restart, "instead of RST1")
        var baseline = try file("baseline.jpg")
        let scan = try index(of: [0xFF, 0xDA], in: baseline)
        for position in (scan + 100)..<(scan + 300) where baseline[position] != 0xFF { baseline[position] = 0xFE }
        assertDamaged(baseline, "Corrupt JPEG data")
    }

    /// A missing part of a progressive file makes its scans contradict each other.
    func testAJPEGWithoutItsFirstScanIsDamaged() throws {
        let progressive = try file("progressive.jpg")
        let scans = progressive.indices.dropLast().filter { progressive[$0] == 0xFF && progressive[$0 + 1] == 0xDA }
        XCTAssertGreaterThan(scans.count, 2)
        assertDamaged(Array(progressive[..<scans[0]] + progressive[scans[1]...]))
    }

    func testAJPEGWithTwoComponentsNamesTheirNumber() throws {
        var grey = try file("grey.jpg")
        let frame = try index(of: [0xFF, 0xC0], in: grey)
        grey.replaceSubrange((frame + 2)..<(frame + 13), with: [0, 14] + grey[(frame + 4)..<(frame + 9)] + [2, 1, 0x11, 0, 2, 0x11, 0])
        assertDamaged(grey, "2 colour components")
    }

    // MARK: PNG

    private func chunk(_ name: String, in file: [UInt8]) throws -> (start: Int, length: Int) {
        let start = try index(of: Array(name.utf8), in: file)
        return (start + 4, file[(start - 4)..<start].reduce(0) { $0 << 8 | Int($1) })
    }

    /// The pixels have two checksums. A wrong one of the chunk is accepted if the one of the pixels is right.
    func testAPNGWhosePixelsHaveNoRightChecksumIsDamaged() throws {
        let rgb = try file("rgb.png")
        let (start, length) = try chunk("IDAT", in: rgb)
        var wrongChunk = rgb
        wrongChunk[start + length] ^= 1
        XCTAssertEqual(try ImageDecoder.decode(wrongChunk, path: "x").image, try ImageDecoder.decode(rgb, path: "x").image)
        var wrongPixels = rgb
        wrongPixels[start + length - 1] ^= 1
        assertDamaged(wrongPixels, "checksum of the pixels")
        // The checksum of the pixels is missing.
        assertDamaged(Array(wrongChunk.prefix(start + length - 2)) + wrongChunk[(start + length)...])
    }

    /// Whether libpng reports the checksum of the pixels with the last row or as a warning after it depends on sizes.
    func testAWrongChecksumOfPixelsIsFoundInFilesOfAllSizes() throws {
        for (width, height) in [(1, 1), (7, 3), (17, 500), (64, 64), (200, 150), (301, 7), (1000, 400)] {
            for shift in [3, 11, 40] {
                try checkWrongChecksum(width: width, height: height) { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> shift) }
            }
        }
    }

    private func checkWrongChecksum(width: Int, height: Int, _ value: (Int) -> UInt8) throws {
        let pixels = (0..<width * height * 3).map(value)
        try withTemporaryFolder { folder in
            let path = folder + "/image.png"
            try ImageEncoder.writePNG(PixelImage(width: width, height: height, pixels: pixels), to: path)
            let whole = try FileBytes.read(FileSystemPath(path))
            // The file ends with the checksum of the pixels, that of the chunk and the chunk IEND of 12 bytes.
            for (place, isDamaged) in [(whole.count - 17, true), (whole.count - 13, false)] {
                var changed = whole
                changed[place] ^= 1
                if isDamaged {
                    assertDamaged(changed, "checksum of the pixels", "\(width)×\(height)")
                } else {
                    XCTAssertEqual(try ImageDecoder.decode(changed, path: "x").image.pixels, pixels, "\(width)×\(height)")
                }
            }
        }
    }

    func testAPNGWithADamagedHeaderOrPaletteIsDamaged() throws {
        let palette = try file("variants/palette4-transparent.png")
        for name in ["IHDR", "PLTE", "tRNS"] {
            var damaged = palette
            let (start, length) = try chunk(name, in: palette)
            damaged[start + length] ^= 1
            assertDamaged(damaged, name, name)
        }
    }

    func testAPNGIsAcceptedOnlyIfAllItsPixelsAreThere() throws {
        for name in ["rgb.png", "interlaced.png", "variants/palette2-interlaced.png"] {
            let whole = try file(name)
            let expected = try ImageDecoder.decode(whole, path: "x").image
            let (start, length) = try chunk("IDAT", in: whole)
            // Ends after the pixels; within the checksums; within the pixels.
            for cut in [start + length + 4, start + length + 1, start + length, start + length - 3, start + length - 4] {
                XCTAssertEqual(try ImageDecoder.decode(Array(whole.prefix(cut)), path: "x").image, expected, "\(name) until \(cut)")
            }
            for cut in [start + length - 12, start + length / 2, start + 2] {
                assertDamaged(Array(whole.prefix(cut)), "truncated", "\(name) until \(cut)")
            }
        }
    }

    // MARK: Memory

    /// A few bytes that claim to be a large image, or that decompress to a large text, take no memory.
    func testSmallFilesTakeNoLargeMemory() throws {
        let rgb = try file("rgb.png")
        var large = rgb
        let size: [UInt8] = [0, 0, 0x33, 0x90]  // 13,200
        large.replaceSubrange(16..<24, with: size + size)
        let header = Array(large[12..<29])
        large.replaceSubrange(29..<33, with: checksum(header))
        var jpeg = try file("baseline.jpg")
        let frame = try index(of: [0xFF, 0xC0], in: jpeg)
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x33, 0x90, 0x33, 0x90])
        // Linux takes this as a request to measure the peak from now on.
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try peakBytes()
        assertDamaged(large, "cannot hold 13200×13200 pixels")
        assertDamaged(jpeg, "premature end")
        XCTAssertLessThan(try peakBytes() - before, 64 << 20)
    }

    func testAnImageBeyondTheLimitIsRejectedBeforeDecoding() throws {
        var jpeg = try file("baseline.jpg")
        let frame = try index(of: [0xFF, 0xC0], in: jpeg)
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0, 0xFF, 0])
        XCTAssertThrowsError(try ImageDecoder.decode(jpeg, path: "x")) {
            XCTAssertEqual($0 as? ImageError, .tooLarge(path: "x", width: 65_280, height: 65_280))
            XCTAssertTrue("\($0)".contains("178956970"), "\($0)")
        }
    }

    func testTheDecompressionOfTextsIsLimited() throws {
        // Blocks without compression: 1, the length, its complement, the bytes.
        func text(blocks: Int) -> [UInt8] {
            let block = [0, 0xFF, 0xFF, 0, 0] + [UInt8](repeating: 7, count: 65_535)
            return [0x78, 0x01] + [[UInt8]](repeating: block, count: blocks).joined()
        }
        XCTAssertEqual(PNGChunks.inflate(text(blocks: 3)[...])?.count, 3 * 65_535)
        XCTAssertNil(PNGChunks.inflate(text(blocks: 17)[...]))
        XCTAssertNil(PNGChunks.inflate([1, 2, 3, 4][...]))
    }

    private func checksum(_ bytes: [UInt8]) -> [UInt8] {
        let value = ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    /// The largest resident memory since the last reset.
    private func peakBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try XCTUnwrap(Int(line.filter(\.isNumber))) << 10
    }
}
