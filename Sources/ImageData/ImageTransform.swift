import Kernels

/// Converts a decoded image to the input of a network.
public protocol ImageTransform: Sendable {
    /// Writes the normalised square [size, size, 3] into `target`.
    ///
    /// - Parameter sampleIndex: the index of the image in its split. Random transforms use it as a key.
    func apply(_ image: PixelImage, sampleIndex: Int, into target: UnsafeMutablePointer<Float>)
}

/// The mean and standard deviation of the colours red, green and blue, for values of 0 … 1.
public struct Normalization: Equatable, Sendable {
    /// The mean of each colour.
    public var mean: [Float]
    /// The standard deviation of each colour.
    public var standardDeviation: [Float]

    /// Creates a normalisation from three means and three standard deviations.
    public init(mean: [Float], standardDeviation: [Float]) {
        precondition(mean.count == 3 && standardDeviation.count == 3, "three colours")
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// Normalises values of 0 … 255 in place: value ← (value / 255 − mean) / standard deviation.
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

/// Resizes the shorter side and crops the centre, like torchvision's `Resize` and `CenterCrop`.
public struct EvaluationTransform: ImageTransform {
    private let size: Int
    private let shorterSide: Int
    private let normalization: Normalization

    /// Creates the transform for one size.
    ///
    /// - Parameters:
    ///   - size: height and width of the result, in pixels.
    ///   - resizeRatio: the shorter side after resizing, divided by `size`; at least 1. The product is rounded.
    public init(size: Int, resizeRatio: Double, normalization: Normalization) {
        self.size = size
        self.normalization = normalization
        shorterSide = max(size, Int((Double(size) * resizeRatio).rounded()))
    }

    public func apply(_ image: PixelImage, sampleIndex: Int, into target: UnsafeMutablePointer<Float>) {
        let (shorter, longer) = (min(image.width, image.height), max(image.width, image.height))
        let longerSide = Int(Double(shorterSide) * Double(longer) / Double(shorter))
        let (width, height) = image.width <= image.height ? (shorterSide, longerSide) : (longerSide, shorterSide)
        // Only the crop is computed. The whole image would have millions of columns if the file had one row and 10,000 columns.
        let top = Int((Double(height - size) / 2).rounded(.toNearestOrEven))
        let left = Int((Double(width - size) / 2).rounded(.toNearestOrEven))
        let resize = BilinearResize(
            inputHeight: image.height, inputWidth: image.width, outputHeight: height, outputWidth: width,
            windowRows: top..<top + size, windowColumns: left..<left + size)
        image.pixels.withUnsafeBufferPointer {
            resize($0.baseAddress!, rowStride: image.width * 3, channels: 3, into: target)
        }
        normalization.apply(target, pixels: size * size)
    }
}
