/// Decodes JPEG, PNG and WebP files as 8-bit RGB, like Pillow's `ImageOps.exif_transpose(Image.open(path)).convert("RGB")`.
///
/// The pixels are those of Pillow, except that transparent pixels are composed over white. The content of a file determines its format, not
/// its name. Damaged and truncated files are rejected. Thread-safe.
public enum ImageDecoder {
    /// The largest accepted image. It is Pillow's limit, twice `Image.MAX_IMAGE_PIXELS`, and checked before memory is allocated.
    public static let maximumPixels = 178_956_970

    /// Decodes a file.
    ///
    /// - Throws: `ImageError`, which names the file.
    public static func decode(contentsOf path: String) throws -> PixelImage {
        try decode(contentsOf: FileSystemPath(path))
    }

    /// Decodes a file.
    ///
    /// - Throws: `ImageError`, which names the file.
    public static func decode(contentsOf path: FileSystemPath) throws -> PixelImage {
        try decode(.file(path))
    }

    /// Decodes an image of a data set.
    ///
    /// - Throws: `ImageError`, which names the source.
    public static func decode(_ source: ImageSource) throws -> PixelImage {
        try decodeWithNotes(source).image
    }

    /// Decodes an image, and reports what a person should know of it.
    static func decodeWithNotes(_ source: ImageSource) throws -> (image: PixelImage, notes: ImageNotes) {
        try decode(source.read(), path: source.description)
    }

    /// Decodes the content of a file.
    ///
    /// - Parameter path: the name of the file in errors.
    static func decode(_ file: [UInt8], path: String) throws -> (image: PixelImage, notes: ImageNotes) {
        switch fileExtension(of: file) {
        case "jpg": return (try JPEGDecoder(path: path, file: file).decode(), ImageNotes())
        case "png": return try PNGDecoder(path: path, file: file).decode()
        case "webp": return (try WebPDecoder(path: path, file: file).decode(), ImageNotes())
        default: throw ImageError.unknownFormat(path: path, found: ForeignFormat.describe(file))
        }
    }

    /// The usual extension of the format of an image; nil for any other content.
    static func fileExtension(of file: [UInt8]) -> String? {
        if file.starts(with: [0xFF, 0xD8, 0xFF]) { return "jpg" }
        if file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "png" }
        return file.starts(with: "RIFF".utf8) && file.dropFirst(8).starts(with: "WEBP".utf8) ? "webp" : nil
    }

    static func checkSize(path: String, width: Int, height: Int) throws {
        let (pixels, isTooLarge) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !isTooLarge, pixels <= maximumPixels else {
            throw ImageError.tooLarge(path: path, width: width, height: height)
        }
    }
}

/// What a person should know of a file that was decoded.
struct ImageNotes: Equatable {
    /// A grey file with 16 bits had values above 255, which became white.
    var hasClippedGrey = false
}

/// Recognises files of other formats by their first bytes, for messages.
enum ForeignFormat {
    private static let formats: [(name: String, offset: Int, bytes: [UInt8])] = [
        ("GIF", 0, Array("GIF8".utf8)), ("BMP", 0, Array("BM".utf8)), ("TIFF", 0, [0x49, 0x49, 42, 0]), ("TIFF", 0, [0x4D, 0x4D, 0, 42]),
        ("AVIF", 4, Array("ftypavif".utf8)), ("HEIC", 4, Array("ftyphei".utf8)), ("HEIC", 4, Array("ftypmif1".utf8)),
        ("JPEG 2000", 4, Array("jP  ".utf8)), ("JPEG XL", 0, [0xFF, 0x0A]), ("PDF", 0, Array("%PDF".utf8)),
        ("an HTML page", 0, Array("<!DOCTYPE".utf8)), ("an HTML page", 0, Array("<html".utf8)), ("XML or SVG", 0, Array("<?xml".utf8)),
        ("a Git LFS pointer, not the file itself", 0, Array("version https://git-lfs".utf8)), ("gzip", 0, [0x1F, 0x8B]),
        ("a ZIP archive", 0, [0x50, 0x4B, 3, 4]),
    ]

    /// Returns the name of a format; nil if it is unknown.
    static func describe(_ file: [UInt8]) -> String? {
        formats.first { file.dropFirst($0.offset).starts(with: $0.bytes) }?.name
    }
}
