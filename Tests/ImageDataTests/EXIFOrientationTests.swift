import XCTest

@testable import ImageData

/// Reading the orientation from EXIF and XMP data. The fixtures of `DecoderTests` compare whole files with Pillow.
final class EXIFOrientationTests: XCTestCase {
    /// One directory with the tag Orientation.
    private func tiff(type: UInt8, count: UInt8 = 1, _ value: [UInt8], tail: [UInt8] = []) -> [UInt8] {
        [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, type, 0, count, 0, 0, 0] + value + [0, 0, 0, 0] + tail
    }

    private func orientation(_ exif: [UInt8]?, xmp: String? = nil) -> Int {
        EXIFOrientation(exif: exif.map { $0[...] }, xmp: xmp.map { Array($0.utf8)[...] }).value
    }

    func testEveryNumberTypeIsRead() {
        let tail: [UInt8] = [12, 0, 0, 0, 2, 0, 0, 0]
        let cases: [(UInt8, [UInt8], [UInt8], Int)] = [
            (3, [6, 0, 0, 0], [], 6), (4, [6, 0, 0, 0], [], 6), (6, [6, 0, 0, 0], [], 6), (8, [6, 0, 0, 0], [], 6),
            (9, [6, 0, 0, 0], [], 6),
            (13, [6, 0, 0, 0], [], 6), (11, [0, 0, 0xC0, 0x40], [], 6), (5, [26, 0, 0, 0], tail, 6), (10, [26, 0, 0, 0], tail, 6),
            (12, [26, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0x18, 0x40], 6), (16, [26, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0, 0], 6),
            // Bytes, text and unknown types are no numbers.
            (1, [6, 0, 0, 0], [], 1), (2, [0x36, 0, 0, 0], [], 1), (7, [6, 0, 0, 0], [], 1), (77, [6, 0, 0, 0], [], 1),
            // Not a whole number; division by zero.
            (11, [0, 0, 0xC4, 0x40], [], 1), (5, [26, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0, 0], 1),
        ]
        for (type, value, tail, expected) in cases {
            XCTAssertEqual(orientation(tiff(type: type, value, tail: tail)), expected, "type \(type)")
        }
    }

    func testValuesOutsideOfTheDataAreNotRead() {
        XCTAssertEqual(orientation(tiff(type: 5, [200, 0, 0, 0])), 1)
        XCTAssertEqual(orientation(tiff(type: 12, [0xFF, 0xFF, 0xFF, 0xFF])), 1)
        XCTAssertEqual(orientation(tiff(type: 3, count: 0, [6, 0, 0, 0])), 1)
        for length in 0..<22 { XCTAssertEqual(orientation(Array(tiff(type: 3, [6, 0, 0, 0]).prefix(length))), 1, "\(length) bytes") }
    }

    func testXMPIsUsedOnlyWithoutATagInTheEXIFData() {
        let attribute = #"<rdf:Description tiff:Orientation="8"/>"#
        XCTAssertEqual(orientation(nil, xmp: attribute), 8)
        XCTAssertEqual(orientation([], xmp: attribute), 8)
        XCTAssertEqual(orientation(nil, xmp: "<tiff:Orientation>3</tiff:Orientation>"), 3)
        XCTAssertEqual(orientation(tiff(type: 3, [1, 0, 0, 0]), xmp: attribute), 1)
        XCTAssertEqual(orientation(tiff(type: 3, [99, 0, 0, 0]), xmp: attribute), 1, "a bad value is a value")
        XCTAssertEqual(orientation(nil, xmp: "tiff:Orientation='6'"), 1)
        XCTAssertEqual(orientation(nil, xmp: "tiff:Orientation tiff:Orientation=\"5\""), 5)
        XCTAssertEqual(orientation(nil, xmp: "tiff:Orientation=\""), 1)
    }
}
