import CPNG

/// Calls libpng's simplified interface with one control structure.
///
/// libpng keeps the address of the structure between the calls for an image and writes its messages there. In Swift, the address that `&`
/// yields is valid for one call only. Therefore, the structure is allocated separately.
enum PNGControl {
    /// Runs `body` with a new structure. Then frees everything that libpng allocated for it, even if `body` throws.
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
