import Foundation
import Randomness

/// Random erasing: a rectangle of a normalised image becomes 0, the mean colour (Zhong et al., arXiv 1708.04896). The ranges are those of
/// torchvision's `RandomErasing`.
enum RandomErasing {
    /// The area of the rectangle as a share of the image.
    static let areas: ClosedRange<Double> = 0.02...0.33
    /// Height divided by width.
    static let ratios: ClosedRange<Double> = 0.3...3.3

    /// Draws the rectangle; nil for an image that keeps all pixels. Draws up to ten times, like torchvision, until both sides are smaller
    /// than the image's.
    static func window(size: Int, probability: Double, _ random: inout CounterRandom) -> CropWindow? {
        guard Double(random.uniform()) < probability else { return nil }
        for _ in 0..<10 {
            let area = Double(size * size) * Double(random.uniform(Float(areas.lowerBound), Float(areas.upperBound)))
            let ratio = exp(Double(random.uniform(Float(log(ratios.lowerBound)), Float(log(ratios.upperBound)))))
            let height = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
            let width = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
            guard height < size, width < size else { continue }
            return CropWindow(
                top: random.integer(below: size - height + 1), left: random.integer(below: size - width + 1), height: height, width: width)
        }
        return nil
    }

    /// Sets a rectangle of an image [size, size, 3] to 0.
    static func erase(_ window: CropWindow, of image: UnsafeMutablePointer<Float>, size: Int) {
        for row in window.top..<window.top + window.height {
            (image + (row * size + window.left) * 3).update(repeating: 0, count: window.width * 3)
        }
    }
}
