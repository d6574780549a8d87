/// An RGB image of bytes, with the operations of PIL's `ImageOps` and `ImageEnhance` that TrivialAugment uses. Results equal Pillow's.
struct ByteImage: Equatable {
    let width: Int
    let height: Int
    /// [height, width, 3].
    var pixels: [UInt8]

    /// Red, green and blue as grey: ITU-R 601-2 luma in fixed point, PIL's `convert("L")`.
    private static func grey(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> Int {
        (Int(red) * 19595 + Int(green) * 38470 + Int(blue) * 7471 + 0x8000) >> 16
    }

    private func grey(ofPixel pixel: Int) -> Int { Self.grey(pixels[3 * pixel], pixels[3 * pixel + 1], pixels[3 * pixel + 2]) }
}

// MARK: - Blends with another image

extension ByteImage {
    /// PIL's `Image.blend`: the value at `factor` on the line from `base` (0) to `value` (1), in single precision, cut to a byte.
    @inline(__always)
    private static func blend(_ base: Int, _ value: UInt8, _ factor: Float) -> UInt8 {
        let result = Float(base) + factor * Float(Int(value) - base)
        return result <= 0 ? 0 : result >= 255 ? 255 : UInt8(result)
    }

    /// Brightness.
    mutating func blendWithBlack(_ factor: Float) {
        guard factor != 1 else { return }
        let table = (0..<256).map { Self.blend(0, UInt8($0), factor) }
        map(tables: [table, table, table])
    }

    /// Colour, also called saturation.
    mutating func blendWithGrey(_ factor: Float) {
        guard factor != 1 else { return }
        for pixel in 0..<width * height {
            let grey = grey(ofPixel: pixel)
            for index in 3 * pixel..<3 * pixel + 3 { pixels[index] = Self.blend(grey, pixels[index], factor) }
        }
    }

    /// Contrast. The mean of the grey image is rounded to a whole grey level.
    mutating func blendWithMeanGrey(_ factor: Float) {
        guard factor != 1 else { return }
        let sum = (0..<width * height).reduce(0) { $0 + grey(ofPixel: $1) }
        let mean = Int(Double(sum) / Double(width * height) + 0.5)
        let table = (0..<256).map { Self.blend(mean, UInt8($0), factor) }
        map(tables: [table, table, table])
    }

    /// Sharpness. The smoothed image is PIL's `SMOOTH`: the mean of the 3 × 3 neighbourhood with weight 5 of 13 for the pixel itself. The
    /// border is not smoothed.
    mutating func blendWithSmoothed(_ factor: Float) {
        guard factor != 1, width >= 3, height >= 3 else { return }
        let source = pixels
        let stride = 3 * width
        for row in 1..<height - 1 {
            for index in row * stride + 3..<(row + 1) * stride - 3 {
                var sum = 4 * Int(source[index])
                for line in [index - stride, index, index + stride] {
                    sum += Int(source[line - 3]) + Int(source[line]) + Int(source[line + 3])
                }
                // sum / 13, rounded.
                pixels[index] = Self.blend((2 * sum + 13) / 26, source[index], factor)
            }
        }
    }
}

// MARK: - Tables of grey levels

extension ByteImage {
    /// Replaces every value by that of its channel's table.
    private mutating func map(tables: [[UInt8]]) {
        for pixel in 0..<width * height {
            for channel in 0..<3 { pixels[3 * pixel + channel] = tables[channel][Int(pixels[3 * pixel + channel])] }
        }
    }

    /// The number of pixels of each value in a channel.
    private func histogram(channel: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for pixel in 0..<width * height { counts[Int(pixels[3 * pixel + channel])] += 1 }
        return counts
    }

    /// Keeps the highest bits.
    mutating func posterize(bits: Int) {
        let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - bits))
        for index in pixels.indices { pixels[index] &= mask }
    }

    /// Inverts values from a threshold on.
    mutating func solarize(threshold: Double) {
        for index in pixels.indices where Double(pixels[index]) >= threshold { pixels[index] = 255 - pixels[index] }
    }

    /// Stretches each channel to 0 … 255, PIL's `autocontrast`.
    mutating func stretchContrast() {
        map(
            tables: (0..<3).map { channel in
                let counts = histogram(channel: channel)
                let low = counts.firstIndex { $0 > 0 } ?? 0
                let high = counts.lastIndex { $0 > 0 } ?? 0
                guard high > low else { return Self.unchanged }
                let scale = 255 / Double(high - low)
                let offset = -Double(low) * scale
                return (0..<256).map { UInt8(min(max((Double($0) * scale + offset).rounded(.towardZero), 0), 255)) }
            })
    }

    /// Spreads the values of each channel evenly, PIL's `equalize`.
    mutating func equalize() {
        map(
            tables: (0..<3).map { channel in
                let counts = histogram(channel: channel)
                let used = counts.filter { $0 > 0 }
                let step = (width * height - (used.last ?? 0)) / 255
                guard used.count > 1, step > 0 else { return Self.unchanged }
                var before = step / 2
                return counts.map { count in
                    defer { before += count }
                    return UInt8(min(before / step, 255))
                }
            })
    }

    private static let unchanged = (0..<256).map { UInt8($0) }
}
