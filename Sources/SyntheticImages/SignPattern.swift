import Foundation

/// What a sign shows: the class of a synthetic image. All look the same in a mirror, and all have the same mean, so that what is left of
/// one below its resolution does not tell it from another.
enum SignPattern: String, CaseIterable {
    case rows, columns, checks, diamonds, rings, chevrons

    /// Brightness 0 … 1 at a place relative to the sign's centre.
    ///
    /// - Parameter period: of the stripes, in pixels, along the axes.
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
        // Between a cosine and a square wave: crisp, without much above the first harmonic.
        return 0.5 + 0.5 * min(max(1.6 * wave, -1), 1)
    }
}

/// How small the detail is that tells the class.
enum Difficulty: String, CaseIterable {
    case easy, medium, hard

    /// Half of the images are easy, a quarter each medium and hard.
    init(index: Int) {
        self = [.easy, .medium, .easy, .hard][index % 4]
    }

    /// Side of the sign in an image of 128 pixels.
    var side: ClosedRange<Float> {
        switch self {
        case .easy: return 76...94
        case .medium: return 42...50
        case .hard: return 24...29
        }
    }

    /// Period of the pattern, in pixels of such an image. Resizing to r pixels leaves sinc²(128 / (r · period)) of its contrast: at 96,
    /// 64 and 32 pixels that is 99, 97 and 87 % of an easy one, 81, 60 and 7 % of a medium one, and 40, 8 and 1 % of a hard one.
    var period: ClosedRange<Float> {
        switch self {
        case .easy: return 18...22
        case .medium: return 5.2...5.5
        case .hard: return 2.65...2.75
        }
    }
}
