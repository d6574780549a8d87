import Randomness

/// Changes brightness, contrast, saturation and hue, always in this order, on values of 0 … 255. The formulas are those of torchvision's
/// `ColorJitter`.
struct ColorJitter {
    private let brightness: Float
    private let contrast: Float
    private let saturation: Float
    private let hue: Float

    /// Creates a jitter of fixed strength.
    ///
    /// - Parameters:
    ///   - brightness: a factor; 1 changes nothing. The same holds for contrast and saturation.
    ///   - hue: the rotation of the hue, as a share of the colour circle.
    init(brightness: Float, contrast: Float, saturation: Float, hue: Float) {
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
    }

    /// Draws the factors. Always draws four numbers, so that one option does not change the factors of another.
    init(_ options: AugmentationOptions, _ random: inout CounterRandom) {
        func factor(_ strength: Double) -> Float { 1 + Float(strength) * random.uniform(-1, 1) }
        brightness = factor(options.brightness)
        contrast = factor(options.contrast)
        saturation = factor(options.saturation)
        hue = Float(options.hue) * random.uniform(-1, 1)
    }

    func apply(_ values: UnsafeMutablePointer<Float>, pixels: Int) {
        if brightness != 1 {
            for index in 0..<3 * pixels { values[index] = Self.clamped(values[index] * brightness) }
        }
        if contrast != 1 {
            let mean = (0..<pixels).reduce(Float(0)) { $0 + Self.grey(values + 3 * $1) } / Float(max(pixels, 1))
            for index in 0..<3 * pixels { values[index] = Self.clamped(contrast * values[index] + (1 - contrast) * mean) }
        }
        if saturation != 1 {
            for pixel in 0..<pixels {
                let color = values + 3 * pixel
                let grey = Self.grey(color)
                for channel in 0..<3 { color[channel] = Self.clamped(saturation * color[channel] + (1 - saturation) * grey) }
            }
        }
        if hue != 0 {
            for pixel in 0..<pixels { Self.turnHue(values + 3 * pixel, by: hue) }
        }
    }

    /// ITU-R 601-2 luma, as in PIL.
    private static func grey(_ color: UnsafePointer<Float>) -> Float {
        0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    }

    private static func clamped(_ value: Float) -> Float { min(max(value, 0), 255) }

    /// Rotates the hue by a share of the colour circle. Converts the colour to hue, saturation and value and back.
    private static func turnHue(_ color: UnsafeMutablePointer<Float>, by turn: Float) {
        let (red, green, blue) = (color[0], color[1], color[2])
        let (value, low) = (max(red, green, blue), min(red, green, blue))
        let chroma = value - low
        if chroma <= 0 { return }
        var hue: Float
        if value == red {
            hue = (green - blue) / chroma
        } else if value == green {
            hue = 2 + (blue - red) / chroma
        } else {
            hue = 4 + (red - green) / chroma
        }
        hue += 6 * turn
        // The circle has six parts, and k is the position of a colour on it: colour = value − chroma · clamp(min(k, 4 − k), 0, 1).
        for (channel, offset) in [Float(5), 3, 1].enumerated() {
            var part = (offset + hue).truncatingRemainder(dividingBy: 6)
            if part < 0 { part += 6 }
            color[channel] = value - chroma * max(0, min(part, 4 - part, 1))
        }
    }
}
