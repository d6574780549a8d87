import CJPEGReader

/// Decodes one JPEG file as Pillow does: sequential and progressive, Huffman and arithmetic coding, any sampling factors, grey, YCbCr, RGB,
/// CMYK and YCCK.
///
/// Pillow ignores all of libjpeg's warnings. This decoder ignores those that concern no pixel, and rejects the file for the others.
struct JPEGDecoder {
    let path: String
    let file: [UInt8]

    func decode() throws -> PixelImage {
        let image = try file.withUnsafeBufferPointer { bytes in
            guard let reader = jpeg_reader_new(bytes.baseAddress, bytes.count) else { throw ImageError.noMemory(path: path) }
            defer { jpeg_reader_free(reader) }
            return try decode(reader)
        }
        let segments = JPEGSegments(file)
        return EXIFOrientation(exif: segments.exif.map { $0[...] }, xmp: segments.xmp).apply(to: image)
    }

    private func decode(_ reader: OpaquePointer) throws -> PixelImage {
        var (width, height, components) = (0, 0, Int32(0))
        try check(jpeg_reader_read_header(reader, &width, &height, &components), reader)
        guard [1, 3, 4].contains(components) else { throw damaged("it has \(components) colour components; 1, 3 or 4 are supported") }
        try ImageDecoder.checkSize(path: path, width: width, height: height)
        // Of a progressive file, this reads all scans.
        try check(jpeg_reader_start(reader, components), reader)
        try checkWarnings(reader)
        let pixels = try decodeRows(reader, width: width, height: height, components: Int(components))
        // The end marker can be missing. Its only use is that it makes the decoder output the last row.
        if jpeg_reader_finish(reader) == JPEG_READER_ERROR { throw error(reader) }
        try checkWarnings(reader)
        return PixelImage(width: width, height: height, pixels: pixels)
    }

    private func decodeRows(_ reader: OpaquePointer, width: Int, height: Int, components: Int) throws -> [UInt8] {
        // Memory is not touched before its rows are decoded, so that a small damaged file that claims to be large costs nothing.
        try [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, count in
            var samples = [UInt8](repeating: 0, count: width * components)
            for row in 0..<height {
                let target = pixels.baseAddress! + row * width * 3
                if components == 3 {
                    try check(jpeg_reader_read_row(reader, target), reader)
                } else {
                    try check(jpeg_reader_read_row(reader, &samples), reader)
                    if components == 1 { Self.copy(grey: samples, to: target) } else { Self.copy(cmyk: samples, to: target) }
                }
                // Decoding more rows of a damaged file would only take time.
                try checkWarnings(reader)
            }
            count = pixels.count
        }
    }

    private static func copy(grey: [UInt8], to target: UnsafeMutablePointer<UInt8>) {
        for column in grey.indices {
            for channel in 0..<3 { target[3 * column + channel] = grey[column] }
        }
    }

    /// Converts CMYK to RGB without colour profiles, with Pillow's roundings. Adobe's programs store inverted inks. Like Pillow, this takes
    /// all files as inverted, whether they have Adobe's segment or not: red = black − (255 − cyan) · black / 255.
    private static func copy(cmyk: [UInt8], to target: UnsafeMutablePointer<UInt8>) {
        for column in 0..<cmyk.count / 4 {
            let black = Int(cmyk[4 * column + 3])
            for channel in 0..<3 {
                let product = (255 - Int(cmyk[4 * column + channel])) * black + 128
                target[3 * column + channel] = UInt8(max(0, black - (product >> 8 + product) >> 8))
            }
        }
    }

    private func check(_ status: jpeg_reader_status, _ reader: OpaquePointer) throws {
        switch status {
        case JPEG_READER_DONE: break
        case JPEG_READER_END_OF_FILE:
            throw jpeg_reader_warning(reader, JPEG_READER_PIXEL_WARNING).map { damaged(String(cString: $0)) } ?? damaged("it is truncated")
        default: throw error(reader)
        }
    }

    /// Rejects a file with a warning about its pixels. libjpeg continues after such a warning, with grey or wrong pixels.
    private func checkWarnings(_ reader: OpaquePointer) throws {
        if let warning = jpeg_reader_warning(reader, JPEG_READER_PIXEL_WARNING) { throw damaged(String(cString: warning)) }
    }

    private func error(_ reader: OpaquePointer) -> ImageError {
        jpeg_reader_lacks_memory(reader) != 0 ? .noMemory(path: path) : damaged(String(cString: jpeg_reader_message(reader)))
    }

    private func damaged(_ reason: String) -> ImageError { .damaged(path: path, format: "JPEG", reason: reason) }
}
