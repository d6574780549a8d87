import Kernels

/// Turns a decoded image into what a network sees.
public protocol ImageTransform: Sendable {
    /// Writes the normalised square [size, size, 3] into `target`.
    ///
    /// - Parameter sampleIndex: the image's index in its split; keys what is random.
    func apply(_ image: PixelImage, sampleIndex: Int, into target: UnsafeMutablePointer<Float>)
}

/// Mean and standard deviation of red, green and blue, of values in 0 … 1.
public struct Normalization: Equatable, Sendable {
    public var mean: [Float]
    public var standardDeviation: [Float]

    public init(mean: [Float], standardDeviation: [Float]) {
        precondition(mean.count == 3 && standardDeviation.count == 3, "three colours")
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// values (0 … 255) ← (value / 255 − mean) / standard deviation.
    func apply(_ values: UnsafeMutablePointer<Float>, pixels: Int) {
        for channel in 0..<3 {
            let factor = 1 / (255 * standardDeviation[channel])
            let shift = -mean[channel] / standardDeviation[channel]
            for pixel in 0..<pixels {
                values[3 &* pixel &+ channel] = values[3 &* pixel &+ channel] * factor + shift
            }
        }
    }
}

/// Resizes the shorter side and crops the centre, as torchvision's Resize and CenterCrop do.
public struct EvaluationTransform: ImageTransform {
    private let size: Int
    private let shorterSide: Int
    private let normalization: Normalization

    /// - Parameter resizeRatio: the shorter side becomes this times `size`, rounded; 1 or more.
    public init(size: Int, resizeRatio: Double, normalization: Normalization) {
        self.size = size
        self.normalization = normalization
        shorterSide = max(size, Int((Double(size) * resizeRatio).rounded()))
    }

    public func apply(_ image: PixelImage, sampleIndex: Int, into target: UnsafeMutablePointer<Float>) {
        let (shorter, longer) = (min(image.width, image.height), max(image.width, image.height))
        let longerSide = Int(Double(shorterSide) * Double(longer) / Double(shorter))
        let (width, height) = image.width <= image.height ? (shorterSide, longerSide) : (longerSide, shorterSide)
        let resize = BilinearResize(
            inputHeight: image.height, inputWidth: image.width, outputHeight: height, outputWidth: width)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: width * height * 3) { temporary in
            let resized = temporary.baseAddress!
            image.pixels.withUnsafeBufferPointer {
                resize($0.baseAddress!, rowStride: image.width * 3, channels: 3, into: resized)
            }
            let top = Int((Double(height - size) / 2).rounded(.toNearestOrEven))
            let left = Int((Double(width - size) / 2).rounded(.toNearestOrEven))
            for row in 0..<size {
                (target + row * size * 3).update(from: resized + ((top + row) * width + left) * 3, count: size * 3)
            }
        }
        normalization.apply(target, pixels: size * size)
    }
}
