import Foundation

/// An affine map from the centre of an output pixel to a point of the input: x' = a x + b y + c, y' = d x + e y + f.
struct AffineMap {
    var a = 1.0
    var b = 0.0
    var c = 0.0
    var d = 0.0
    var e = 1.0
    var f = 0.0

    /// A shear whose tangent is `x` along the rows or `y` along the columns, about the upper left corner. The conversion to an angle and
    /// back gives torchvision's rounding errors.
    static func shear(x: Double = 0, y: Double = 0) -> AffineMap {
        func angle(_ tangent: Double) -> Double { radians(atan(tangent) * (180 / .pi)) }
        return AffineMap(b: tan(angle(x)), d: sin(angle(y)) / cos(angle(y)))
    }

    /// A translation by whole pixels, to the right or down.
    static func translation(x: Double = 0, y: Double = 0) -> AffineMap { AffineMap(c: -x, f: -y) }

    /// A rotation about the centre of an image, counter-clockwise.
    static func rotation(degrees: Double, width: Int, height: Int) -> AffineMap {
        // Pillow rotates by a positive angle.
        let angle = -radians(degrees < 0 ? degrees + 360 : degrees)
        // Pillow rounds to 15 decimals.
        func rounded(_ value: Double) -> Double { (value * 1e15).rounded(.toNearestOrEven) / 1e15 }
        let (cosine, sine) = (rounded(cos(angle)), rounded(sin(angle)))
        let (x, y) = (Double(width) / 2, Double(height) / 2)
        return AffineMap(
            a: cosine, b: sine, c: cosine * -x + sine * -y + x, d: -sine, e: cosine, f: -sine * -x + cosine * -y + y)
    }

    /// The factor π / 180 is rounded first, as in Python's `math.radians`.
    private static func radians(_ degrees: Double) -> Double { degrees * (.pi / 180) }
}

extension ByteImage {
    /// Rotates about the centre by an angle of less than 180 degrees, counter-clockwise. Quarter turns of a square are exact, as in Pillow.
    mutating func rotate(degrees: Double) {
        if abs(degrees) == 90 && width == height {
            turnQuarter(isLeft: degrees > 0)
        } else if degrees != 0 {
            transform(.rotation(degrees: degrees, width: width, height: height))
        }
    }

    private mutating func turnQuarter(isLeft: Bool) {
        let source = pixels
        let last = width - 1
        for row in 0...last {
            for column in 0...last {
                let origin = isLeft ? column * width + last - row : (last - column) * width + row
                for channel in 0..<3 { pixels[3 * (row * width + column) + channel] = source[3 * origin + channel] }
            }
        }
    }

    /// Samples the image at the points of a map, bilinearly. Points outside of the image give black. The arithmetic is that of Pillow's
    /// `Image.transform`: double precision, cut to a byte.
    mutating func transform(_ map: AffineMap) {
        var result = pixels
        pixels.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                for row in 0..<height {
                    let y = Double(row) + 0.5
                    for column in 0..<width {
                        let x = Double(column) + 0.5
                        sample(
                            source.baseAddress!, x: map.a * x + map.b * y + map.c, y: map.d * x + map.e * y + map.f,
                            into: target.baseAddress! + 3 * (row * width + column))
                    }
                }
            }
        }
        pixels = result
    }

    @inline(__always)
    private func sample(_ source: UnsafePointer<UInt8>, x: Double, y: Double, into target: UnsafeMutablePointer<UInt8>) {
        guard x >= 0, x < Double(width), y >= 0, y < Double(height) else {
            target.update(repeating: 0, count: 3)
            return
        }
        let (left, top) = ((x - 0.5).rounded(.down), (y - 0.5).rounded(.down))
        let (dx, dy) = (x - 0.5 - left, y - 0.5 - top)
        let (column, row) = (Int(left), Int(top))
        let (x0, x1) = (3 * min(max(column, 0), width - 1), 3 * min(max(column + 1, 0), width - 1))
        let upper = source + 3 * width * min(max(row, 0), height - 1)
        let lower = row + 1 < height ? source + 3 * width * (row + 1) : upper
        for channel in 0..<3 {
            let above = Self.blend(Double(upper[x0 + channel]), Double(upper[x1 + channel]), dx)
            let below = Self.blend(Double(lower[x0 + channel]), Double(lower[x1 + channel]), dx)
            target[channel] = UInt8(Self.blend(above, below, dy))
        }
    }

    @inline(__always)
    private static func blend(_ first: Double, _ second: Double, _ share: Double) -> Double { first + (second - first) * share }
}
