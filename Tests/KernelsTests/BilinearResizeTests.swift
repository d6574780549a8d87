import TestSupport
import XCTest

@testable import Kernels

/// Compares resizing with torch.nn.functional.interpolate(mode="bilinear", antialias=True), which torchvision's resize uses.
final class BilinearResizeTests: XCTestCase {
    func testResizingAgreesWithPyTorch() throws {
        let fixture = try Fixture("layers")
        for (a, b) in [(40, 24), (24, 40), (30, 30), (64, 48), (53, 17)] {
            let input = Formula.values("resize.input", a * (a + 3) * 3)
            let resize = BilinearResize(inputHeight: a, inputWidth: a + 3, outputHeight: b, outputWidth: b + 1)
            var output = [Float](repeating: .nan, count: b * (b + 1) * 3)
            resize(input, rowStride: (a + 3) * 3, channels: 3, into: &output)
            assertClose(output, try fixture("resize_\(a)_\(b)"), absoluteTolerance: 2e-5, "\(a) → \(b)")
        }
    }

    func testResizingBytesMatchesResizingFloats() {
        let bytes = (0..<20 * 30 * 3).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
        let resize = BilinearResize(inputHeight: 20, inputWidth: 30, outputHeight: 9, outputWidth: 11)
        var fromBytes = [Float](repeating: 0, count: 9 * 11 * 3), fromFloats = fromBytes
        resize(bytes, rowStride: 90, channels: 3, into: &fromBytes)
        resize(bytes.map { Float($0) }, rowStride: 90, channels: 3, into: &fromFloats)
        assertClose(fromBytes, fromFloats, absoluteTolerance: 1e-3, "bytes")
    }

    func testResizingRowsInPartsMatchesTheWhole() {
        let input = Formula.values("x", 40 * 30 * 3)
        let resize = BilinearResize(inputHeight: 40, inputWidth: 30, outputHeight: 17, outputWidth: 23)
        func output(_ parts: [Range<Int>?]) -> [Float] {
            var output = [Float](repeating: .nan, count: 17 * 23 * 3)
            for rows in parts { resize(input, rowStride: 90, channels: 3, outputRows: rows, into: &output) }
            return output
        }
        let whole = output([nil])
        XCTAssertFalse(whole.contains { $0.isNaN })
        XCTAssertEqual(output([16..<17, 0..<5, 5..<16]), whole)
        XCTAssertEqual(output([3..<4]).filter { !$0.isNaN }.count, 23 * 3, "no other row must be written")
    }

    func testAWindowIsBitIdenticalToThatPartOfTheWhole() {
        for channels in [1, 3, 4] {
            for (height, width, newHeight, newWidth) in [(40, 30, 17, 23), (9, 11, 30, 50), (20, 20, 20, 20)] {
                let input = Formula.values("x", height * width * channels)
                var whole = [Float](repeating: .nan, count: newHeight * newWidth * channels)
                BilinearResize(inputHeight: height, inputWidth: width, outputHeight: newHeight, outputWidth: newWidth)(
                    input, rowStride: width * channels, channels: channels, into: &whole)
                for (rows, columns) in [(0..<newHeight, 3..<8), (5..<7, 0..<newWidth), (16..<17, newWidth - 1..<newWidth), (2..<9, 4..<16)]
                {
                    let resize = BilinearResize(
                        inputHeight: height, inputWidth: width, outputHeight: newHeight, outputWidth: newWidth, windowRows: rows,
                        windowColumns: columns)
                    XCTAssertEqual([resize.outputHeight, resize.outputWidth], [rows.count, columns.count])
                    var part = [Float](repeating: .nan, count: rows.count * columns.count * channels)
                    resize(input, rowStride: width * channels, channels: channels, into: &part)
                    let expected = rows.flatMap { row in
                        whole[(row * newWidth + columns.lowerBound) * channels..<(row * newWidth + columns.upperBound) * channels]
                    }
                    XCTAssertEqual(part.map(\.bitPattern), expected.map(\.bitPattern), "\(rows) × \(columns), \(channels) channels")
                }
            }
        }
    }

    /// Half of an image, resized to 16 pixels, is the centre of the image resized to 32 pixels.
    func testACentralPartIsTheCentreOfTheWholeResizedImage() {
        for (size, share, output, whole) in [(40, 0.5, 16, 32), (40, 0.8, 32, 40), (24, 0.75, 30, 40), (30, 1, 17, 17)] {
            let input = Formula.values("x", size * size * 3)
            var part = [Float](repeating: .nan, count: output * output * 3), expected = part
            BilinearResize(inputSize: size, outputSize: output, centralShare: share)(
                input, rowStride: size * 3, channels: 3, into: &part)
            let window = (whole - output) / 2..<(whole + output) / 2
            BilinearResize(
                inputHeight: size, inputWidth: size, outputHeight: whole, outputWidth: whole, windowRows: window, windowColumns: window)(
                    input, rowStride: size * 3, channels: 3, into: &expected)
            assertClose(part, expected, "\(share) of \(size)")
        }
    }

    func testResizingToTheSameSizeCopiesExactly() {
        let input = Formula.values("x", 12 * 10 * 3)
        var output = [Float](repeating: 0, count: input.count)
        BilinearResize(inputHeight: 12, inputWidth: 10, outputHeight: 12, outputWidth: 10)(
            input, rowStride: 30, channels: 3, into: &output)
        XCTAssertEqual(output, input)
    }
}
