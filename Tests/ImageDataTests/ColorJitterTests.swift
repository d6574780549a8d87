import Randomness
import TestSupport
import XCTest

@testable import ImageData

/// Compares each factor with torchvision's formulas on two colours. The expected values were computed by hand; hue with Python's colorsys.
final class ColorJitterTests: XCTestCase {
    private let colors: [Float] = [200, 100, 30, 30, 60, 90]

    private func applied(brightness: Float = 1, contrast: Float = 1, saturation: Float = 1, hue: Float = 0) -> [Float] {
        var values = colors
        ColorJitter(brightness: brightness, contrast: contrast, saturation: saturation, hue: hue).apply(&values, pixels: 2)
        return values
    }

    private func assertColors(_ actual: [Float], _ expected: [Float], _ label: String, line: UInt = #line) {
        assertClose(actual, expected, relativeTolerance: 0, absoluteTolerance: 1e-2, label, line: line)
    }

    func testBrightnessMultiplies() {
        assertColors(applied(brightness: 1.5), [255, 150, 45, 45, 90, 135], "brighter, cut at white")
        assertColors(applied(brightness: 0.5), [100, 50, 15, 15, 30, 45], "darker")
    }

    /// The mean of the grey values 121.92 and 54.45 is 88.185.
    func testContrastScalesTheDistanceFromTheMeanGreyOfTheImage() {
        assertColors(applied(contrast: 1.5), [255, 105.9075, 0.9075, 0.9075, 45.9075, 90.9075], "more")
        assertColors(applied(contrast: 0.5), [144.0925, 94.0925, 59.0925, 59.0925, 74.0925, 89.0925], "less")
    }

    func testSaturationScalesTheDistanceFromTheGreyOfThePixel() {
        assertColors(applied(saturation: 1.5), [239.04, 89.04, 0, 17.775, 62.775, 107.775], "more, cut at 0")
        assertColors(applied(saturation: 0.5), [160.96, 110.96, 75.96, 42.225, 57.225, 72.225], "less")
        assertColors(applied(saturation: 0), [121.92, 121.92, 121.92, 54.45, 54.45, 54.45], "none is grey")
    }

    func testHueRotatesTheColourCircle() {
        assertColors(applied(hue: 0.25), [45, 200, 30, 90, 30, 90], "a quarter")
        assertColors(applied(hue: -0.1), [200, 30, 62, 30, 90, 84], "a tenth back")
        assertColors(applied(hue: 1.0 / 3), [30, 200, 100, 90, 30, 60], "a third carries red to green")
        assertColors(applied(hue: 0.5), [30, 130, 200, 90, 60, 30], "half")
    }

    /// The expected values apply the four changes one after another.
    func testTheOrderIsBrightnessContrastSaturationHue() {
        var expected = applied(brightness: 0.9)
        for jitter in [
            ColorJitter(brightness: 1, contrast: 1.2, saturation: 1, hue: 0),
            ColorJitter(brightness: 1, contrast: 1, saturation: 0.7, hue: 0),
            ColorJitter(brightness: 1, contrast: 1, saturation: 1, hue: 0.2),
        ] { jitter.apply(&expected, pixels: 2) }
        assertColors(applied(brightness: 0.9, contrast: 1.2, saturation: 0.7, hue: 0.2), expected, "together")
    }

    func testFactorsAreDrawnFromTheirWholeRangeAndChangeTheImage() {
        func drawn(_ options: AugmentationOptions, _ sample: Int) -> [Float] {
            var random = CounterRandom(seed: 2, purpose: .augmentation, sample: sample)
            var values = colors
            ColorJitter(options, &random).apply(&values, pixels: 2)
            return values
        }
        XCTAssertEqual(drawn(AugmentationOptions(), 0), colors, "the default options change nothing")
        for options in [
            AugmentationOptions(brightness: 0.2), AugmentationOptions(contrast: 0.2), AugmentationOptions(saturation: 0.2),
            AugmentationOptions(hue: 0.2),
        ] {
            let all = (0..<50).map { drawn(options, $0) }
            XCTAssertTrue(all.allSatisfy { $0 != colors }, "\(options)")
            XCTAssertEqual(Set(all).count, 50, "each image has its own factors")
        }
        let factors = (0..<1000).map { drawn(AugmentationOptions(brightness: 0.2), $0)[1] / 100 }
        XCTAssertEqual(factors.min()!, 0.8, accuracy: 0.01)
        XCTAssertEqual(factors.max()!, 1.2, accuracy: 0.01)
        // A change of hue keeps the largest and the smallest value of a colour.
        for sample in 0..<50 {
            let turned = drawn(AugmentationOptions(hue: 0.5), sample)[0..<3]
            XCTAssertEqual(turned.max()!, 200, accuracy: 0.01)
            XCTAssertEqual(turned.min()!, 30, accuracy: 0.01)
        }
    }
}
