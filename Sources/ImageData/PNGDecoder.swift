import CPNGReader

/// Decodes one PNG file as Pillow does: grey, palette and RGB files with 1 to 16 bits, with or without interlacing, without colour
/// correction. Unlike Pillow, it composes transparent pixels over white.
struct PNGDecoder {
    let path: String
    let file: [UInt8]

    func decode() throws -> (image: PixelImage, notes: ImageNotes) {
        let chunks = PNGChunks(file)
        // A file that ends inside of its pixels is accepted if all pixels are there, as in Pillow. Only the checksum is missing then.
        let block = chunks.endsInsidePixels ? 1 : 8192
        let (image, notes) = try file.withUnsafeBufferPointer { bytes in
            guard let reader = png_reader_new(bytes.baseAddress, bytes.count, block) else { throw ImageError.noMemory(path: path) }
            defer { png_reader_free(reader) }
            return try decode(reader)
        }
        return (chunks.orientation.apply(to: image), notes)
    }

    private func decode(_ reader: OpaquePointer) throws -> (PixelImage, ImageNotes) {
        var header = png_reader_header()
        guard png_reader_read_header(reader, &header) == PNG_READER_DONE else { throw damaged(reader) }
        let (width, height) = (Int(header.width), Int(header.height))
        try ImageDecoder.checkSize(path: path, width: width, height: height)
        try checkLength(header)
        var rowBytes = 0
        guard png_reader_start(reader, &rowBytes) == PNG_READER_DONE else { throw damaged(reader) }
        var notes = ImageNotes()
        let converter = PNGRowConverter(header)
        let pixels = try [UInt8](unsafeUninitializedCapacity: width * height * 3) { pixels, count in
            func convert(_ row: Int, _ samples: UnsafePointer<UInt8>) {
                converter.convert(samples, to: pixels.baseAddress! + row * width * 3, &notes)
            }
            if header.is_interlaced != 0 {
                try readInterlaced(reader, rowBytes: rowBytes, height: height, convert)
            } else {
                var samples = [UInt8](repeating: 0, count: rowBytes)
                for row in 0..<height {
                    try check(png_reader_read_row(reader, &samples), reader)
                    convert(row, samples)
                }
            }
            count = pixels.count
        }
        try checkIntegrity(reader)
        return (PixelImage(width: width, height: height, pixels: pixels), notes)
    }

    /// An interlaced file is complete only after its last pass, so that all rows must be in memory.
    private func readInterlaced(
        _ reader: OpaquePointer, rowBytes: Int, height: Int, _ convert: (Int, UnsafePointer<UInt8>) -> Void
    ) throws {
        let samples = UnsafeMutablePointer<UInt8>.allocate(capacity: rowBytes * height)
        defer { samples.deallocate() }
        try check(png_reader_read_image(reader, samples, rowBytes), reader)
        for row in 0..<height { convert(row, samples + row * rowBytes) }
    }

    /// Rejects a file that cannot hold its pixels, before libpng allocates memory for rows: zlib compresses to 1/1032 at best.
    private func checkLength(_ header: png_reader_header) throws {
        let samples = [2: 3, 4: 2, 6: 4][Int(header.color_type)] ?? 1
        let rowBits = Int(header.width) * samples * Int(header.depth)
        guard (rowBits + 7) / 8 * Int(header.height) / 1032 <= file.count else {
            throw damaged("it is truncated: \(file.count) bytes cannot hold \(header.width)×\(header.height) pixels")
        }
    }

    /// Ignores an error that occurred after the last row.
    private func check(_ status: png_reader_status, _ reader: OpaquePointer) throws {
        if status != PNG_READER_DONE && png_reader_has_all_rows(reader) == 0 { throw damaged(reader) }
    }

    /// Rejects a file whose checksums say that its pixels are damaged.
    ///
    /// The pixels have two checksums: one of each chunk, and one of the pixels before compression. A wrong one of a chunk is accepted if
    /// the other was read and is right.
    private func checkIntegrity(_ reader: OpaquePointer) throws {
        let warnings = (0..<png_reader_warning_count(reader)).map { String(cString: png_reader_warning(reader, $0)) }
        for chunk in ["IHDR", "PLTE", "tRNS"] where warnings.contains("\(chunk): CRC error") {
            throw damaged("the checksum of the chunk \(chunk) is wrong")
        }
        let hasWrongPixels = warnings.contains { $0.hasPrefix("IDAT:") && $0.contains("incorrect data check") }
        let hasWrongChunk = warnings.contains("IDAT: CRC error")
        if hasWrongPixels || hasWrongChunk && png_reader_reached_end_of_file(reader) != 0 {
            throw damaged(Self.wrongChecksum)
        }
    }

    private func damaged(_ reader: OpaquePointer) -> ImageError {
        let message = String(cString: png_reader_message(reader))
        if png_reader_reached_end_of_file(reader) != 0 { return damaged("it is truncated") }
        // zlib's name for the checksum of the pixels.
        return damaged(message.contains("incorrect data check") ? Self.wrongChecksum : message)
    }

    private static let wrongChecksum = "the checksum of the pixels is wrong"

    private func damaged(_ reason: String) -> ImageError { .damaged(path: path, format: "PNG", reason: reason) }
}
