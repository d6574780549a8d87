import Foundation
import Kernels
import Randomness

/// What training changes at random about an image; defaults are torchvision's.
public struct AugmentationOptions: Equatable, Sendable {
    /// Share of the image's area that a crop has.
    public var cropScale: ClosedRange<Double>
    /// Width by height of a crop, before it is made square.
    public var cropRatio: ClosedRange<Double>
    /// Mirror every other image.
    public var flip: Bool
    /// Factors are drawn from 1 ± these; 0 leaves the image alone.
    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    /// The hue is turned by up to this share of the colour circle, 0 … 0.5.
    public var hue: Double

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

/// Random resized crop, flip and colour jitter, as torchvision's; a pure function of (seed, epoch, image).
public struct TrainingTransform: ImageTransform {
    private let size: Int
    private let augmentation: AugmentationOptions
    private let normalization: Normalization
    private let seed: UInt64
    private let epoch: Int

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

/// A part of an image.
struct CropWindow: Equatable {
    var top: Int
    var left: Int
    var height: Int
    var width: Int

    /// torchvision's RandomResizedCrop: ten tries, then the largest centre crop of an allowed ratio.
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
