/// Eight neighbouring channels of one pixel, or eight columns of a row. Loops whose streams the compiler cannot vectorise well use it: a
/// Winograd transform has up to 72 streams.
typealias Channels8 = SIMD8<Float>

extension Channels8 {
    /// Loads the eight floats at `address`. Any alignment is valid.
    @inline(__always)
    init(at address: UnsafePointer<Float>) { self = UnsafeRawPointer(address).loadUnaligned(as: Channels8.self) }

    /// Stores the eight floats at `address`. Any alignment is valid.
    @inline(__always)
    func store(to address: UnsafeMutablePointer<Float>) { UnsafeMutableRawPointer(address).storeBytes(of: self, as: Channels8.self) }
}
