import Foundation
import ImageData
import TestSupport
import XCTest

final class ThumbnailTests: XCTestCase {
    func testAThumbnailFitsAndKeepsItsShape() {
        let wide = PixelImage(width: 640, height: 200, fill: (10, 20, 30)).scaled(toFit: 64)
        XCTAssertEqual([wide.width, wide.height], [64, 20])
        XCTAssertEqual(wide, PixelImage(width: 64, height: 20, fill: (10, 20, 30)))
        let line = PixelImage(width: 1, height: 5000, fill: (1, 2, 3)).scaled(toFit: 50)
        XCTAssertEqual([line.width, line.height], [1, 50])
        let small = PixelImage(width: 3, height: 2, fill: (9, 9, 9))
        XCTAssertEqual(small.scaled(toFit: 64), small)
    }

    func testAThumbnailAveragesPixels() {
        // Columns of 0 and 200 in turns, two to one pixel; the filter is wider than two columns, so the ends differ a little.
        let pixels = (0..<2).flatMap { _ in (0..<40).flatMap { [UInt8](repeating: $0 % 2 == 0 ? 0 : 200, count: 3) } }
        let small = PixelImage(width: 40, height: 2, pixels: pixels).scaled(toFit: 20)
        for value in small.pixels[9..<51] { XCTAssertEqual(Double(value), 100, accuracy: 1) }
    }

    func testTheBytesOfAJPEGAreThoseOfTheFile() throws {
        try withTemporaryFolder { folder in
            let image = PixelImage(width: 9, height: 7, fill: (1, 100, 200))
            try ImageEncoder.writeJPEG(image, to: folder + "/a.jpg", quality: 80)
            let written = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.jpg"))
            XCTAssertEqual(try ImageEncoder.jpeg(image, path: "a", quality: 80), Array(written))
        }
    }
}
