/// A decoded image of 8-bit RGB.
public struct PixelImage: Sendable, Equatable {
    public var width: Int
    public var height: Int
    /// [height, width, 3], row-major, interleaved.
    public var pixels: [UInt8]

    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width >= 1 && height >= 1 && pixels.count == width * height * 3,
            "\(pixels.count) bytes are no RGB image of \(width)×\(height)")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// An image of one colour (red, green, blue).
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
