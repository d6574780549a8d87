/// A decoded image in 8-bit RGB.
public struct PixelImage: Sendable, Equatable {
    /// Width in pixels.
    public var width: Int
    /// Height in pixels.
    public var height: Int
    /// The values [height, width, 3], row-major, with interleaved colours.
    public var pixels: [UInt8]

    /// Creates an image from `width` × `height` × 3 values.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width >= 1 && height >= 1 && pixels.count == width * height * 3,
            "\(pixels.count) bytes are no RGB image of \(width)×\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Creates an image of a single colour (red, green, blue).
    public init(width: Int, height: Int, fill: (UInt8, UInt8, UInt8)) {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for pixel in 0..<width * height {
            pixels[pixel * 3] = fill.0
            pixels[pixel * 3 + 1] = fill.1
            pixels[pixel * 3 + 2] = fill.2
        }
        self.init(width: width, height: height, pixels: pixels)
    }
}
