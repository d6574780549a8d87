import Randomness
import TestSupport
import XCTest

@testable import ImageData

final class TransformTests: XCTestCase {
    private let plain = Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1])

    func testEvaluationCropsTheCentreOfTheResizedImage() {
        // 40 × 20 pixels are resized to 20 × 10, so that the shorter side is 10. Then the central 10 × 10 are cropped.
        var image = PixelImage(width: 40, height: 20, fill: (0, 0, 0))
        for row in 0..<20 { for column in 0..<40 { image.pixels[(row * 40 + column) * 3] = UInt8(column * 6) } }
        var output = [Float](repeating: 0, count: 300)
        EvaluationTransform(size: 10, resizeRatio: 1, normalization: plain).apply(image, sampleIndex: 0, into: &output)
        for column in 1..<9 {
            // Output pixel c covers the source columns 2(c + 5) and 2(c + 5) + 1.
            XCTAssertEqual(output[column * 3] * 255, Float(6 * (2 * (column + 5)) + 3), accuracy: 0.01)
        }
    }

    func testNormalizationIsPerColour() {
        let normalization = Normalization(mean: [0.5, 0.25, 0], standardDeviation: [0.5, 0.25, 1])
        var output = [Float](repeating: 0, count: 12)
        EvaluationTransform(size: 2, resizeRatio: 1, normalization: normalization)
            .apply(PixelImage(width: 2, height: 2, fill: (255, 0, 51)), sampleIndex: 0, into: &output)
        assertClose(Array(output[0..<3]), [1, -1, 0.2], "normalised")
    }

    func testCropsKeepScaleAndRatioAndStayInsideTheImage() {
        let options = AugmentationOptions(cropScale: 0.3...0.8, cropRatio: 0.75...1.333)
        var shares: [Double] = []
        for sample in 0..<2000 {
            var random = CounterRandom(seed: 1, purpose: .augmentation, sample: sample)
            let crop = CropWindow.random(width: 120, height: 90, options, &random)
            XCTAssertTrue(crop.top >= 0 && crop.left >= 0 && crop.top + crop.height <= 90 && crop.left + crop.width <= 120)
            let ratio = Double(crop.width) / Double(crop.height)
            XCTAssertTrue((0.72...1.38).contains(ratio), "\(ratio)")
            shares.append(Double(crop.width * crop.height) / (120 * 90))
        }
        XCTAssertTrue(shares.allSatisfy { (0.28...0.82).contains($0) })
        // The mean is below the middle of the range, because large crops are more often rejected for not fitting.
        XCTAssertEqual(shares.reduce(0, +) / 2000, 0.53, accuracy: 0.03)
    }

    func testAnImpossibleCropFallsBackToTheCentre() {
        var random = CounterRandom(seed: 1, purpose: .augmentation)
        let crop = CropWindow.random(
            width: 200, height: 10, AugmentationOptions(cropScale: 1...1, cropRatio: 1...1), &random)
        XCTAssertEqual(crop, CropWindow(top: 0, left: 95, height: 10, width: 10))
    }

    func testHalfOfTheImagesAreMirrored() {
        var image = PixelImage(width: 8, height: 8, fill: (0, 0, 0))
        for row in 0..<8 { image.pixels[row * 24] = 255 }
        let transform = TrainingTransform(
            size: 8, augmentation: AugmentationOptions(cropScale: 1...1, cropRatio: 1...1), normalization: plain, seed: 1, epoch: 0)
        var mirrored = 0
        for sample in 0..<1000 {
            var output = [Float](repeating: 0, count: 192)
            transform.apply(image, sampleIndex: sample, into: &output)
            XCTAssertEqual(output[0] + output[21], 1)
            mirrored += output[21] == 1 ? 1 : 0
        }
        XCTAssertEqual(Double(mirrored) / 1000, 0.5, accuracy: 0.06)
    }
}
