/// Composes transparent pixels over white.
enum Transparency {
    /// Returns the colour value of a pixel over white, rounded.
    @inline(__always)
    static func overWhite(_ value: UInt8, alpha: UInt8) -> UInt8 {
        if alpha == 255 { return value }
        let (color, share) = (Int(value), Int(alpha))
        let sum = color * share + 255 * (255 - share)
        return UInt8((sum + 127) / 255)
    }
}
