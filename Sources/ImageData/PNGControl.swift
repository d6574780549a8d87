import CPNG

/// Calls libpng's simplified interface with one control structure.
///
/// libpng keeps the address of the structure between the calls for an image and writes its messages there. Swift gives the `&` of a variable a
/// stable address for one call only, so the structure lives in memory of its own.
enum PNGControl {
    /// Runs `body` with a new structure, and frees what libpng allocated for it on every path, an error included.
    static func withControl<Result>(_ body: (UnsafeMutablePointer<png_image>) throws -> Result) rethrows -> Result {
        let control = UnsafeMutablePointer<png_image>.allocate(capacity: 1)
        control.initialize(to: png_image())
        control.pointee.version = png_uint_32(PNG_IMAGE_VERSION)
        defer {
            png_image_free(control)
            control.deinitialize(count: 1)
            control.deallocate()
        }
        return try body(control)
    }
}

extension png_image {
    /// libpng's last error or warning for this image.
    var messageText: String {
        withUnsafeBytes(of: message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
