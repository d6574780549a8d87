import Foundation
import Kernels
import TestSupport
import XCTest

@testable import ImageData

/// The transform for evaluation computes only the crop.
final class EvaluationWindowTests: XCTestCase {
    private let plain = Normalization(mean: [0, 0, 0], standardDeviation: [1 / 255, 1 / 255, 1 / 255])

    private func noise(width: Int, height: Int) -> PixelImage {
        PixelImage(
            width: width, height: height, pixels: (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
    }

    func testTheCropIsBitIdenticalToThatOfTheWholeResizedImage() {
        for (width, height, size, ratio) in [
            (40, 30, 16, 1.14), (30, 40, 16, 1.14), (9, 31, 20, 1.0), (200, 90, 24, 1.3), (17, 17, 17, 1.0),
        ] {
            let image = noise(width: width, height: height)
            var crop = [Float](repeating: 0, count: size * size * 3)
            EvaluationTransform(size: size, resizeRatio: ratio, normalization: plain).apply(image, sampleIndex: 0, into: &crop)

            let shorter = max(size, Int((Double(size) * ratio).rounded()))
            let longer = Int(Double(shorter) * Double(max(width, height)) / Double(min(width, height)))
            let (newWidth, newHeight) = width <= height ? (shorter, longer) : (longer, shorter)
            var whole = [Float](repeating: 0, count: newWidth * newHeight * 3)
            BilinearResize(inputHeight: height, inputWidth: width, outputHeight: newHeight, outputWidth: newWidth)(
                image.pixels, rowStride: width * 3, channels: 3, into: &whole)
            plain.apply(&whole, pixels: newWidth * newHeight)
            let top = Int((Double(newHeight - size) / 2).rounded(.toNearestOrEven))
            let left = Int((Double(newWidth - size) / 2).rounded(.toNearestOrEven))
            let expected = (0..<size).flatMap { row in
                let start = ((top + row) * newWidth + left) * 3
                return whole[start..<start + size * 3]
            }
            XCTAssertEqual(crop.map(\.bitPattern), expected.map(\.bitPattern), "\(width)×\(height)")
        }
    }

    /// The whole resized image would have 224 × 22,400,000 pixels.
    func testAnImageOfOneRowTakesNoMemory() throws {
        func peak() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            return try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }.flatMap { Int($0.filter(\.isNumber)) })
                << 10
        }
        var crop = [Float](repeating: 0, count: 224 * 224 * 3)
        let transform = EvaluationTransform(size: 224, resizeRatio: 1.14, normalization: plain)
        let images = [noise(width: 100_000, height: 1), noise(width: 1, height: 100_000)]
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try peak()
        for image in images { transform.apply(image, sampleIndex: 0, into: &crop) }
        XCTAssertLessThan(try peak() - before, 16 << 20)
        XCTAssertTrue(crop.allSatisfy { (0...255).contains($0) })
    }
}
