import Randomness
import XCTest

@testable import ImageData

final class RandomErasingTests: XCTestCase {
    private let size = 60

    private func window(_ probability: Double, _ sample: Int) -> CropWindow? {
        var random = CounterRandom(seed: 2, purpose: .erasing, sample: sample)
        return RandomErasing.window(size: size, probability: probability, &random)
    }

    func testTheProbabilityAndTheRangesOfTheRectanglesAreTorchvisions() {
        let windows = (0..<4000).compactMap { window(0.25, $0) }
        // The standard deviation is 27.
        XCTAssertEqual(Double(windows.count), 1000, accuracy: 140)
        for window in windows {
            XCTAssertTrue(window.top >= 0 && window.top + window.height <= size && window.left >= 0 && window.left + window.width <= size)
            let area = Double(window.height * window.width) / Double(size * size)
            XCTAssertTrue((0.016...0.36).contains(area), "\(area)")
            let ratio = Double(window.height) / Double(window.width)
            XCTAssertTrue((0.25...3.9).contains(ratio), "\(ratio)")
        }
        let areas = windows.map { Double($0.height * $0.width) / Double(size * size) }
        XCTAssertEqual(areas.reduce(0, +) / Double(areas.count), 0.175, accuracy: 0.015)
        XCTAssertNil((0..<200).compactMap { window(0, $0) }.first)
        XCTAssertEqual((0..<200).compactMap { window(1, $0) }.count, 200)
    }

    func testTheRectangleIsZeroAfterNormalisationAndTheRestIsUnchanged() throws {
        let photo = PixelImage(width: 80, height: 70, fill: (200, 90, 10))
        func output(_ erasing: Double) -> [Float] {
            let transform = TrainingTransform(
                size: size, augmentation: AugmentationOptions(brightness: 0.3, erasing: erasing),
                normalization: Normalization(mean: [0.5, 0.4, 0.3], standardDeviation: [0.2, 0.2, 0.2]), seed: 2, epoch: 0)
            var output = [Float](repeating: .nan, count: size * size * 3)
            transform.apply(photo, sampleIndex: 7, into: &output)
            return output
        }
        let (plain, erased) = (output(0), output(1))
        let window = try XCTUnwrap(window(1, 7))
        for row in 0..<size {
            for column in 0..<size {
                let isInside =
                    (window.top..<window.top + window.height).contains(row) && (window.left..<window.left + window.width).contains(column)
                for index in (row * size + column) * 3..<(row * size + column + 1) * 3 {
                    XCTAssertEqual(erased[index], isInside ? 0 : plain[index])
                }
            }
        }
    }
}
