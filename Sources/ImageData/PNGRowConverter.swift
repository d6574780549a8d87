import CPNGReader

/// Converts rows of a PNG file to 8-bit RGB. Transparent pixels are composed over white.
struct PNGRowConverter {
    private enum Layout {
        case grey, rgb, palette, greyAlpha, rgbAlpha
    }

    private let width: Int
    private let depth: Int
    private let layout: Layout
    /// The colour that is transparent.
    private let key: (UInt16, UInt16, UInt16)?
    /// Red, green and blue of all 256 values of a sample: the palette composed over white, or the grey values. Colours beyond the end of
    /// the palette are black, as in Pillow.
    private let table: [UInt8]

    init(_ header: png_reader_header) {
        width = Int(header.width)
        depth = Int(header.depth)
        switch header.color_type {
        case 2: layout = .rgb
        case 3: layout = .palette
        case 4: layout = .greyAlpha
        case 6: layout = .rgbAlpha
        default: layout = .grey
        }
        let transparent = header.transparent_color
        key = header.has_transparent_color != 0 ? (transparent.0, transparent.1, transparent.2) : nil
        table = layout == .palette ? Self.palette(header) : Self.greys(depth)
    }

    private static func palette(_ header: png_reader_header) -> [UInt8] {
        var table = [UInt8](repeating: 0, count: 768)
        withUnsafeBytes(of: header.palette) { colors in
            withUnsafeBytes(of: header.palette_alpha) { alphas in
                for index in 0..<min(256, Int(header.palette_count)) {
                    let alpha = index < Int(header.palette_alpha_count) ? alphas[index] : 255
                    for channel in 0..<3 { table[3 * index + channel] = Transparency.overWhite(colors[3 * index + channel], alpha: alpha) }
                }
            }
        }
        return table
    }

    /// Scales 1, 2 and 4 bits to 8.
    private static func greys(_ depth: Int) -> [UInt8] {
        let factor = depth < 8 ? 255 / ((1 << depth) - 1) : 1
        var table: [UInt8] = []
        for value in 0..<256 {
            let grey = UInt8(truncatingIfNeeded: value * factor)
            table += [grey, grey, grey]
        }
        return table
    }

    /// Converts one row of samples as `png_reader` returns them.
    func convert(_ samples: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>, _ notes: inout ImageNotes) {
        switch (layout, depth) {
        case (.palette, _): look(up: samples, target)
        case (.grey, 16): convertGrey16(samples, target, &notes)
        case (.grey, _):
            look(up: samples, target)
            if let key { makeWhite(target) { UInt16(samples[$0]) == key.0 } }
        case (.rgb, 8):
            target.update(from: samples, count: width * 3)
            if let key {
                makeWhite(target) { UInt16(samples[3 * $0]) == key.0 && samples[3 * $0 + 1] == key.1 && samples[3 * $0 + 2] == key.2 }
            }
        case (.rgb, _):
            for index in 0..<width * 3 { target[index] = samples[2 * index] }
            if let key {
                makeWhite(target) { column in
                    let value = { Self.wide(samples, 3 * column + $0) }
                    return value(0) == key.0 && value(1) == key.1 && value(2) == key.2
                }
            }
        case (.greyAlpha, _): compose(samples, target, colors: 1)
        case (.rgbAlpha, _): compose(samples, target, colors: 3)
        }
    }

    private static func wide(_ samples: UnsafePointer<UInt8>, _ index: Int) -> UInt16 {
        UInt16(samples[2 * index]) << 8 | UInt16(samples[2 * index + 1])
    }

    private func look(up samples: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>) {
        table.withUnsafeBufferPointer { table in
            for column in 0..<width {
                for channel in 0..<3 { target[3 * column + channel] = table[3 * Int(samples[column]) + channel] }
            }
        }
    }

    private func makeWhite(_ target: UnsafeMutablePointer<UInt8>, where isTransparent: (Int) -> Bool) {
        for column in 0..<width where isTransparent(column) {
            for channel in 0..<3 { target[3 * column + channel] = 255 }
        }
    }

    /// Like Pillow, keeps values up to 255 and makes all others white. Other files with 16 bits lose their lower 8 bits.
    private func convertGrey16(_ samples: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, _ notes: inout ImageNotes) {
        for column in 0..<width {
            let value = Self.wide(samples, column)
            if value > 255 { notes.hasClippedGrey = true }
            let grey = value == key?.0 ? 255 : UInt8(min(value, 255))
            for channel in 0..<3 { target[3 * column + channel] = grey }
        }
    }

    private func compose(_ samples: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>, colors: Int) {
        let size = depth / 8
        for column in 0..<width {
            let pixel = samples + column * (colors + 1) * size
            let alpha = pixel[colors * size]
            for channel in 0..<3 {
                target[3 * column + channel] = Transparency.overWhite(pixel[colors == 3 ? channel * size : 0], alpha: alpha)
            }
        }
    }
}
