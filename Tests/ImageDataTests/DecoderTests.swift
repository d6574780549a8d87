import Foundation
import TestSupport
import XCTest

@testable import ImageData

/// Compares decoded files of every kind with PIL (Tests/Fixtures/make_image_fixtures.py).
final class DecoderTests: XCTestCase {
    private let folder = repositoryRoot + "/Tests/Fixtures/images"

    /// The libraries compute the same, so that the pixels are equal. Transparent pixels over white are rounded once here and twice in PIL.
    private let transparencyTolerance = 1

    private func expected(_ name: String, in folder: String) throws -> PixelImage {
        // PIL wrote the expected values as an uncompressed portable pixmap: P6, width, height, 255, bytes.
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).ppm"))
        var position = 0
        var fields: [String] = []
        while fields.count < 4 {
            let end = data[position...].firstIndex { $0 == 10 || $0 == 32 }!
            fields.append(String(decoding: data[position..<end], as: UTF8.self))
            position = end + 1
        }
        return PixelImage(width: Int(fields[1])!, height: Int(fields[2])!, pixels: Array(data[position...]))
    }

    func testEveryKindOfFileIsDecodedLikePIL() throws {
        let names = [
            "baseline.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "rotated6.jpg", "rotated3.jpg", "rotated5.jpg", "subsampled.jpg",
            "rgb.png", "palette.png", "alpha.png", "grey.png", "grey16.png", "interlaced.png", "jpeg-named.png",
        ]
        for name in names { try compare(name, in: folder) }
    }

    /// Odd sampling factors, colour spaces, blemishes of headers, EXIF and XMP at every place, PNG of all depths and WebP.
    func testEveryVariantOfAFileIsDecodedLikePIL() throws {
        let variants = folder + "/variants"
        let names = try FileManager.default.contentsOfDirectory(atPath: variants).filter { !$0.hasSuffix(".ppm") }
        XCTAssertGreaterThan(names.count, 70)
        for name in names { try compare(name, in: variants) }
    }

    private func compare(_ name: String, in folder: String) throws {
        let path = "\(folder)/\(name)"
        guard let image = try? ImageDecoder.decode(contentsOf: path) else {
            XCTAssertNoThrow(try ImageDecoder.decode(contentsOf: path), name)
            return
        }
        let expected = try expected((name as NSString).deletingPathExtension + "-" + (name as NSString).pathExtension, in: folder)
        XCTAssertEqual([image.width, image.height], [expected.width, expected.height], name)
        let worst = zip(image.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max()
        let hasTransparency = ["alpha", "rgba", "transparent"].contains { name.contains($0) }
        XCTAssertLessThanOrEqual(worst ?? 255, hasTransparency ? transparencyTolerance : 0, name)
    }

    func testTheErrorAboutATruncatedFileNamesIt() throws {
        for name in ["baseline.jpg", "progressive.jpg", "rgb.png", "variants/lossy.webp", "variants/lossless.webp"] {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            try withTemporaryFolder { temporary in
                for share in [0.3, 0.6, 0.9] {
                    let path = "\(temporary)/cut-\((name as NSString).lastPathComponent)"
                    try data.prefix(Int(Double(data.count) * share)).write(to: URL(fileURLWithPath: path))
                    XCTAssertThrowsError(try ImageDecoder.decode(contentsOf: path), "\(name) at \(share)") {
                        XCTAssertTrue("\($0)".hasPrefix(path), "\($0)")
                        // libpng writes its message to the address of the first call. A structure that moved would have no message.
                        XCTAssertFalse("\($0)".contains("()"), "no reason in \($0)")
                    }
                }
            }
        }
    }

    func testRejectedFilesLeakNoMemory() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/rgb.png"))
        try withTemporaryFolder { temporary in
            // libpng frees its memory if it fails itself. This file passes libpng's checks, but is too large for `checkSize`.
            let path = temporary + "/large.png"
            try withSize(of: 20_000, data).write(to: URL(fileURLWithPath: path))
            XCTAssertThrowsError(try ImageDecoder.decode(contentsOf: path)) {
                XCTAssertEqual($0 as? ImageError, .tooLarge(path: path, width: 20_000, height: 20_000))
            }
            func decode(_ times: Int) {
                for _ in 0..<times { XCTAssertThrowsError(try ImageDecoder.decode(contentsOf: path)) }
            }
            decode(200)
            let before = try residentBytes()
            decode(2000)
            XCTAssertLessThan(try residentBytes() - before, 2 << 20)
        }
    }

    /// Returns a PNG file whose header has another width and height.
    private func withSize(of size: UInt32, _ file: Data) -> Data {
        func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        // 8 bytes of signature, then the chunk: length, "IHDR", width, height, 5 more bytes, CRC-32 of everything except the length.
        let header = Array(file[12..<16]) + bytes(size) + bytes(size) + Array(file[24..<29])
        let checksum = ~header.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return file[..<12] + header + bytes(checksum) + file[33...]
    }

    private func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try XCTUnwrap(Int(line.filter(\.isNumber))) << 10
    }

    func testErrorsAboutFilesThatAreNotImagesNameTheFile() throws {
        try withTemporaryFolder { folder in
            for (name, bytes) in [
                ("empty.jpg", Data()), ("text.jpg", Data("hello, this is text".utf8)), ("header.jpg", Data([0xFF, 0xD8, 0xFF])),
                ("header.png", Data([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10])), ("header.webp", Data("RIFF\0\0\0\0WEBP".utf8)),
            ] {
                try bytes.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
                XCTAssertThrowsError(try ImageDecoder.decode(contentsOf: "\(folder)/\(name)")) {
                    XCTAssertTrue("\($0)".contains(name), "\($0)")
                }
            }
            XCTAssertEqual(mkfifo(folder + "/pipe.jpg", 0o600), 0)
            try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: folder + "/picture.jpg"))
            for (path, reason) in [
                (folder, "it is a folder"), (folder + "/nothing.jpg", "No such file or directory"),
                (folder + "/pipe.jpg", "not a regular file"),
                (folder + "/picture.jpg/x.jpg", "Not a directory"), (folder + "/picture.jpg", "but GIF"),
            ] {
                XCTAssertThrowsError(try ImageDecoder.decode(contentsOf: path)) {
                    XCTAssertTrue("\($0)".hasPrefix(path) && "\($0)".contains(reason), "\($0)")
                }
            }
        }
    }

    func testAllEightOrientationsAreApplied() {
        // The red channel of the 3 × 2 image is 1 2 3 / 4 5 6.
        let stored = PixelImage(width: 3, height: 2, pixels: [1, 2, 3, 4, 5, 6].flatMap { [UInt8($0), 0, 0] })
        let expected: [Int: (Int, [UInt8])] = [
            1: (3, [1, 2, 3, 4, 5, 6]), 2: (3, [3, 2, 1, 6, 5, 4]), 3: (3, [6, 5, 4, 3, 2, 1]), 4: (3, [4, 5, 6, 1, 2, 3]),
            5: (2, [1, 4, 2, 5, 3, 6]), 6: (2, [4, 1, 5, 2, 6, 3]), 7: (2, [6, 3, 5, 2, 4, 1]), 8: (2, [3, 6, 2, 5, 1, 4]),
        ]
        for (value, (width, reds)) in expected {
            let image = EXIFOrientation(value: value).apply(to: stored)
            XCTAssertEqual(image.width, width, "orientation \(value)")
            XCTAssertEqual(stride(from: 0, to: 18, by: 3).map { image.pixels[$0] }, reds, "orientation \(value)")
        }
        XCTAssertEqual(EXIFOrientation(value: 99).value, 1)
    }

    func testDecodingReturnsTheWrittenImage() throws {
        let image = PixelImage(width: 20, height: 10, pixels: (0..<600).map { UInt8(truncatingIfNeeded: $0 / 3) })
        try withTemporaryFolder { folder in
            try ImageEncoder.writePNG(image, to: folder + "/a.png")
            XCTAssertEqual(try ImageDecoder.decode(contentsOf: folder + "/a.png"), image)
            try ImageEncoder.writeJPEG(image, to: folder + "/a.jpg", quality: 95)
            let decoded = try ImageDecoder.decode(contentsOf: folder + "/a.jpg")
            XCTAssertLessThan(zip(decoded.pixels, image.pixels).map { abs(Int($0) - Int($1)) }.max()!, 16)
            XCTAssertThrowsError(try ImageEncoder.writePNG(image, to: folder + "/none/a.png")) {
                XCTAssertEqual($0 as? ImageError, .unwritable(path: folder + "/none/a.png", reason: "No such file or directory"))
            }
        }
    }
}
