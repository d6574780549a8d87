import Kernels
import Randomness

/// Applies a random resized crop, a flip, TrivialAugment, colour jitter and random erasing, like torchvision. The result depends only on
/// seed, epoch and image. Each of the options that were added later has a random stream of its own, so that the others do not change.
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
        if augmentation.trivialAugment {
            var random = CounterRandom(seed: seed, purpose: .trivialAugment, step: epoch, sample: sampleIndex)
            TrivialAugment(&random).apply(target, size: size)
        }
        ColorJitter(augmentation, &random).apply(target, pixels: size * size)
        normalization.apply(target, pixels: size * size)
        if augmentation.erasing > 0 {
            var random = CounterRandom(seed: seed, purpose: .erasing, step: epoch, sample: sampleIndex)
            if let window = RandomErasing.window(size: size, probability: augmentation.erasing, &random) {
                RandomErasing.erase(window, of: target, size: size)
            }
        }
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
