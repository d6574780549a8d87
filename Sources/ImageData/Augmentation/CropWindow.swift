import Foundation
import Randomness

/// A rectangle of an image, in pixels.
struct CropWindow: Equatable {
    var top: Int
    var left: Int
    var height: Int
    var width: Int

    /// Draws a window like torchvision's `RandomResizedCrop`: ten tries, then the largest centre crop with an allowed ratio.
    static func random(
        width: Int, height: Int, _ options: AugmentationOptions, _ random: inout CounterRandom
    ) -> CropWindow {
        let (low, high) = (log(options.cropRatio.lowerBound), log(options.cropRatio.upperBound))
        for _ in 0..<10 {
            let share = Double(random.uniform(Float(options.cropScale.lowerBound), Float(options.cropScale.upperBound)))
            let ratio = exp(Double(random.uniform(Float(low), Float(high))))
            let area = Double(width * height) * share
            let cropWidth = Int((area * ratio).squareRoot().rounded())
            let cropHeight = Int((area / ratio).squareRoot().rounded())
            guard (1...width).contains(cropWidth), (1...height).contains(cropHeight) else { continue }
            return CropWindow(
                top: random.integer(below: height - cropHeight + 1), left: random.integer(below: width - cropWidth + 1),
                height: cropHeight, width: cropWidth)
        }
        let ratio = Double(width) / Double(height)
        var (cropWidth, cropHeight) = (width, height)
        if ratio < options.cropRatio.lowerBound {
            cropHeight = min(height, max(1, Int((Double(width) / options.cropRatio.lowerBound).rounded())))
        } else if ratio > options.cropRatio.upperBound {
            cropWidth = min(width, max(1, Int((Double(height) * options.cropRatio.upperBound).rounded())))
        }
        return CropWindow(
            top: (height - cropHeight) / 2, left: (width - cropWidth) / 2, height: cropHeight, width: cropWidth)
    }
}
