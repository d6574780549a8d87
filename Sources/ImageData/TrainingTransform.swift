import Foundation
import Kernels
import Randomness

/// The options of random augmentation. The defaults are those of torchvision.
public struct AugmentationOptions: Equatable, Sendable {
    /// The range of a crop's area, as a share of the image's area.
    public var cropScale: ClosedRange<Double>
    /// The range of a crop's width divided by its height, before the crop is resized to a square.
    public var cropRatio: ClosedRange<Double>
    /// Whether to mirror an image with probability 0.5.
    public var flip: Bool
    /// The brightness factor is drawn from 1 ± this value; 0 disables the change.
    public var brightness: Double
    /// The contrast factor is drawn from 1 ± this value; 0 disables the change.
    public var contrast: Double
    /// The saturation factor is drawn from 1 ± this value; 0 disables the change.
    public var saturation: Double
    /// The largest rotation of the hue in either direction, as a share of the colour circle, 0 … 0.5.
    public var hue: Double

    /// Creates options.
    public init(
        cropScale: ClosedRange<Double> = 0.08...1, cropRatio: ClosedRange<Double> = 0.75...1.333, flip: Bool = true,
        brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
    ) {
        self.cropScale = cropScale
        self.cropRatio = cropRatio
        self.flip = flip
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
    }
}

/// Applies a random resized crop, a flip and colour jitter, like torchvision. The result depends only on seed, epoch and image.
public struct TrainingTransform: ImageTransform {
    private let size: Int
    private let augmentation: AugmentationOptions
    private let normalization: Normalization
    private let seed: UInt64
    private let epoch: Int

    /// Creates the transform of one epoch.
    ///
    /// - Parameter size: height and width of the result, in pixels.
    public init(size: Int, augmentation: AugmentationOptions, normalization: Normalization, seed: UInt64, epoch: Int) {
        self.size = size
        self.augmentation = augmentation
        self.normalization = normalization
        self.seed = seed
        self.epoch = epoch
    }

    public func apply(_ image: PixelImage, sampleIndex: Int, into target: UnsafeMutablePointer<Float>) {
        var random = CounterRandom(seed: seed, purpose: .augmentation, step: epoch, sample: sampleIndex)
        let crop = CropWindow.random(width: image.width, height: image.height, augmentation, &random)
        let resize = BilinearResize(inputHeight: crop.height, inputWidth: crop.width, outputHeight: size, outputWidth: size)
        image.pixels.withUnsafeBufferPointer {
            resize(
                $0.baseAddress! + (crop.top * image.width + crop.left) * 3, rowStride: image.width * 3, channels: 3,
                into: target)
        }
        if augmentation.flip && random.uniform() < 0.5 { mirror(target) }
        ColorJitter(augmentation, &random).apply(target, pixels: size * size)
        normalization.apply(target, pixels: size * size)
    }

    private func mirror(_ pixels: UnsafeMutablePointer<Float>) {
        for row in 0..<size {
            let line = pixels + row * size * 3
            for column in 0..<size / 2 {
                for channel in 0..<3 {
                    swap(&line[3 * column + channel], &line[3 * (size - 1 - column) + channel])
                }
            }
        }
    }
}

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
