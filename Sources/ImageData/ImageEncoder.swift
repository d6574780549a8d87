import CPNG
import CTurboJPEG

/// Writes image files: test fixtures, synthetic data sets and examples of augmented images.
public enum ImageEncoder {
    /// Writes a baseline JPEG with full colour resolution (4:4:4).
    ///
    /// - Parameter quality: 1 … 100.
    public static func writeJPEG(_ image: PixelImage, to path: String, quality: Int) throws {
        try withJPEG(image, path: path, quality: quality) { try FileBytes.write($0, to: path) }
    }

    /// Returns the bytes of a baseline JPEG with full colour resolution (4:4:4).
    ///
    /// - Parameters:
    ///   - image: to encode.
    ///   - path: the name of the image in errors.
    ///   - quality: 1 … 100.
    public static func jpeg(_ image: PixelImage, path: String, quality: Int) throws -> [UInt8] {
        try withJPEG(image, path: path, quality: quality) { Array($0) }
    }

    private static func withJPEG<Result>(
        _ image: PixelImage, path: String, quality: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        precondition((1...100).contains(quality), "JPEG quality is 1…100, not \(quality)")
        guard let compressor = tjInitCompress() else {
            throw ImageError.unwritable(path: path, reason: "libjpeg-turbo cannot start: not enough memory")
        }
        defer { tjDestroy(compressor) }
        var buffer: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        defer { tjFree(buffer) }
        let status = image.pixels.withUnsafeBufferPointer {
            tjCompress2(
                compressor, $0.baseAddress, Int32(image.width), 0, Int32(image.height), Int32(TJPF_RGB.rawValue), &buffer,
                &size, Int32(TJSAMP_444.rawValue), Int32(quality), TJFLAG_ACCURATEDCT)
        }
        guard status == 0, let buffer else {
            throw ImageError.unwritable(path: path, reason: String(cString: tjGetErrorStr2(compressor)))
        }
        return try body(UnsafeRawBufferPointer(start: buffer, count: Int(size)))
    }

    /// Writes a lossless 8-bit RGB PNG.
    public static func writePNG(_ image: PixelImage, to path: String) throws {
        let data = try PNGControl.withControl { control in
            control.pointee.width = png_uint_32(image.width)
            control.pointee.height = png_uint_32(image.height)
            control.pointee.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
            func checked(_ status: Int32) throws {
                guard status != 0 else { throw ImageError.unwritable(path: path, reason: control.pointee.messageText) }
            }
            // Without an output buffer, libpng only computes the size.
            var size: png_alloc_size_t = 0
            try checked(png_image_write_to_memory(control, nil, &size, 0, image.pixels, 0, nil))
            var data = [UInt8](repeating: 0, count: Int(size))
            try checked(png_image_write_to_memory(control, &data, &size, 0, image.pixels, 0, nil))
            return data.prefix(Int(size))
        }
        try data.withUnsafeBytes { try FileBytes.write($0, to: path) }
    }
}
