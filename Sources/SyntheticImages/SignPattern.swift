import Foundation

/// The pattern on a sign, which is the class of a synthetic image.
///
/// All patterns are mirror-symmetric and have the same mean. Therefore, a pattern that is resized below its resolution shows nothing of its
/// class.
enum SignPattern: String, CaseIterable {
    case rows, columns, checks, diamonds, rings, chevrons

    /// Returns the brightness, 0 … 1, at a position in pixels relative to the centre of the sign.
    ///
    /// - Parameter period: the period of the stripes along the axes, in pixels.
    func value(x: Double, y: Double, period: Double, phase: Double) -> Double {
        let turn = 2 * Double.pi / period
        let wave: Double
        switch self {
        case .rows: wave = cos(turn * y + phase)
        case .columns: wave = cos(turn * x + phase)
        case .checks: wave = 1.4 * cos(turn * x / 1.2 + phase) * cos(turn * y / 1.2)
        case .diamonds: wave = 0.7 * (cos(turn * x + phase) + cos(turn * y))
        case .rings: wave = cos(turn * (x * x + y * y).squareRoot() + phase)
        case .chevrons: wave = cos(turn / 1.2 * (y + abs(x)) + phase)
        }
        // A shape between a cosine and a square wave: crisp edges, but little energy above the first harmonic.
        return 0.5 + 0.5 * min(max(1.6 * wave, -1), 1)
    }
}

/// The difficulty of a synthetic image: the size of the detail that identifies its class.
enum Difficulty: String, CaseIterable {
    case easy, medium, hard

    /// Returns the difficulty of an image. One half of the images is easy, one quarter medium and one quarter hard.
    init(index: Int) {
        self = [.easy, .medium, .easy, .hard][index % 4]
    }

    /// The side of the sign in an image of 128 pixels, in pixels.
    var side: ClosedRange<Float> {
        switch self {
        case .easy: return 76...94
        case .medium: return 42...50
        case .hard: return 24...29
        }
    }

    /// The period of the pattern in an image of 128 pixels, in pixels.
    ///
    /// Resizing the image to r pixels reduces the contrast to sinc²(128 / (r · period)). At 96, 64 and 32 pixels, 99, 97 and 87 % of the
    /// contrast remain for easy images; 81, 60 and 7 % for medium ones; 40, 8 and 1 % for hard ones.
    var period: ClosedRange<Float> {
        switch self {
        case .easy: return 18...22
        case .medium: return 5.2...5.5
        case .hard: return 2.65...2.75
        }
    }
}
