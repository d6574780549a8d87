import TestSupport
import XCTest

@testable import Kernels

final class ChannelSumsTests: XCTestCase {
    private let noShift = [Float](repeating: 0, count: 24)

    func testBlocksCoverEveryRowOnceAndStartAtARun() {
        for (images, rowsPerImage) in [(3, 3136), (5, 784), (7, 196), (17, 49), (1, 1), (4, 513), (0, 49), (1, 12_544)] {
            for blockRows in [96, 512] {
                let blocks = RowBlocks(images: images, rowsPerImage: rowsPerImage, blockRows: blockRows)
                var next = 0
                for block in 0..<blocks.count {
                    let rows = blocks[block]
                    XCTAssertEqual(rows.lowerBound, next, "\(images) × \(rowsPerImage)")
                    XCTAssertFalse(rows.isEmpty)
                    XCTAssertEqual(rows.lowerBound % rowsPerImage % ChannelSums.runRows, 0)
                    XCTAssertLessThanOrEqual(rows.count, max(2 * blockRows, rowsPerImage))
                    next = rows.upperBound
                }
                XCTAssertEqual(next, images * rowsPerImage)
            }
        }
    }

    /// The sums of a batch are the sums of its images, except for the last bits of a double. Ranks agree because of this property.
    func testSumsOfAnImageDoNotDependOnPreviousImages() {
        let (rowsPerImage, channels, images) = (200, 5, 4)
        let values = Formula.values("x", images * rowsPerImage * channels)
        func sums(_ images: Range<Int>) -> [Double] {
            let sums = ChannelSums(slots: images.count, channels: channels, rowsPerImage: rowsPerImage, .test)
            values.withUnsafeBufferPointer {
                let first = $0.baseAddress! + images.lowerBound * rowsPerImage * channels
                let blocks = RowBlocks(images: images.count, rowsPerImage: rowsPerImage, blockRows: 128)
                for block in 0..<blocks.count {
                    sums.addMoments(block % images.count, blocks[block], 0..<channels, of: first, shift: noShift)
                }
            }
            return sums.total
        }
        let whole = sums(0..<images)
        let parts = zip(sums(0..<1), sums(1..<images)).map { $0 + $1 }
        for (a, b) in zip(whole, parts) { XCTAssertEqual(a, b, accuracy: 1e-13 * abs(a)) }
        // Negative control: sums in single precision, or runs that start anywhere, differ by about 1e-7.
        let shifted = ChannelSums(slots: 1, channels: channels, rowsPerImage: images * rowsPerImage, .test)
        values.withUnsafeBufferPointer {
            shifted.addMoments(0, 0..<images * rowsPerImage, 0..<channels, of: $0.baseAddress!, shift: noShift)
        }
        XCTAssertTrue(zip(whole, shifted.total).contains { abs($0 - $1) > 1e-13 * abs($0) })
    }

    /// The bits of the sums do not depend on how channels are divided, nor on the order of the parts.
    func testSumsDoNotDependOnThePartsOfTheChannels() {
        let (rowsPerImage, channels) = (150, 24)
        let values = Formula.values("x", 2 * rowsPerImage * channels)
        func sums(_ parts: [Range<Int>]) -> [Double] {
            let sums = ChannelSums(slots: 2, channels: channels, rowsPerImage: rowsPerImage, .test)
            for part in parts {
                for image in 0..<2 {
                    sums.addMoments(image, image * rowsPerImage..<(image + 1) * rowsPerImage, part, of: values, shift: noShift)
                }
            }
            return sums.total
        }
        XCTAssertEqual(sums([16..<24, 0..<16]), sums([0..<24]))
        let mean = sums([0..<24])[20] / Double(2 * rowsPerImage)
        let expected = (0..<2 * rowsPerImage).map { Double(values[$0 * channels + 20]) }.reduce(0, +) / Double(2 * rowsPerImage)
        XCTAssertEqual(mean, expected, accuracy: 1e-6)
    }

    /// Compares normalisation in place and into separate memory with the definition, with and without a residual.
    func testNormalisationInPlaceMatchesNormalisation() {
        let (rows, channels) = (7, 12)
        let parts = [0..<8, 8..<12]
        let normalization = ChannelNormalization(channels: channels, activation: .relu6)
        for channel in 0..<channels {
            normalization.scale[channel] = Float(channel) - 5
            normalization.shift[channel] = 0.5 * Float(channel)
        }
        let input = Formula.values("x", rows * channels), residual = Formula.values("r", rows * channels)
        for added in [nil, residual] {
            let expected = (0..<rows * channels).map { index in
                let channel = index % channels
                let value = input[index] * (Float(channel) - 5) + 0.5 * Float(channel) + (added?[index] ?? 0)
                return min(max(value, 0), 6)
            }
            var apart = [Float](repeating: .nan, count: input.count), inPlace = input
            if let added {
                normalization.apply(input, count: rows, residual: added, into: &apart)
                for part in parts { normalization.applyInPlace(&inPlace, rows: 0..<rows, channels: part, residual: added) }
            } else {
                normalization.apply(input, count: rows, into: &apart)
                for part in parts { normalization.applyInPlace(&inPlace, rows: 0..<rows, channels: part, residual: nil) }
            }
            assertClose(apart, expected, "apart")
            XCTAssertEqual(apart, inPlace)
        }
    }

    func testComputesMomentsOfShiftedValues() {
        let (rows, channels) = (70, 3)
        let values = Formula.values("x", rows * channels)
        let shift: [Float] = [0.5, 0, -2]
        let sums = ChannelSums(slots: 1, channels: channels, rowsPerImage: rows, .test)
        for part in [0..<2, 2..<3] { sums.addMoments(0, 0..<rows, part, of: values, shift: shift) }
        for channel in 0..<channels {
            let shifted = (0..<rows).map { Double(values[$0 * channels + channel]) - Double(shift[channel]) }
            XCTAssertEqual(sums.total[channel], shifted.reduce(0, +), accuracy: 1e-4)
            XCTAssertEqual(sums.total[channels + channel], shifted.reduce(0) { $0 + $1 * $1 }, accuracy: 1e-4)
        }
    }
}
