import Foundation
import ImageData
import Randomness

/// An RGB colour with components of 0 … 255.
struct Color {
    var red: Float
    var green: Float
    var blue: Float

    static func random(_ low: Float, _ high: Float, _ random: inout CounterRandom) -> Color {
        Color(red: random.uniform(low, high), green: random.uniform(low, high), blue: random.uniform(low, high))
    }

    func mixed(with other: Color, _ share: Float) -> Color {
        Color(
            red: red + share * (other.red - red), green: green + share * (other.green - green),
            blue: blue + share * (other.blue - blue))
    }
}

/// A square image to paint on.
struct Canvas {
    let side: Int
    private(set) var colors: [Color]

    /// Creates a canvas with a colour gradient from the top left to the bottom right corner.
    init(side: Int, from first: Color, to second: Color) {
        self.side = side
        colors = (0..<side * side).map { index in
            first.mixed(with: second, Float(index / side + index % side) / Float(2 * side))
        }
    }

    /// Blends colours into the pixels of a square box around a centre. For each pixel, `paint` receives the position relative to the
    /// centre. It returns a colour and its share, or nil to leave the pixel unchanged.
    mutating func paint(
        centerX: Float, centerY: Float, reach: Float, _ paint: (_ x: Float, _ y: Float) -> (Color, Float)?
    ) {
        let columns = max(0, Int(centerX - reach))..<max(0, min(side, Int(centerX + reach) + 2))
        for row in max(0, Int(centerY - reach))..<max(0, min(side, Int(centerY + reach) + 2)) {
            for column in columns {
                let place = (Float(column) + 0.5 - centerX, Float(row) + 0.5 - centerY)
                guard let (color, share) = paint(place.0, place.1) else { continue }
                colors[row * side + column] = colors[row * side + column].mixed(with: color, share)
            }
        }
    }

    /// Returns the image with added Gaussian noise.
    ///
    /// - Parameter noise: the standard deviation, on the scale 0 … 255.
    func image(noise: Float, _ random: inout CounterRandom) -> PixelImage {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * colors.count)
        for color in colors {
            for value in [color.red, color.green, color.blue] {
                pixels.append(UInt8(min(max(value + noise * random.normal(), 0), 255)))
            }
        }
        return PixelImage(width: side, height: side, pixels: pixels)
    }
}
