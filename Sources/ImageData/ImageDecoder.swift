import Foundation

/// Decodes JPEG and PNG files as 8-bit RGB, like PIL's `Image.open(path).convert("RGB")`, and applies the EXIF orientation.
///
/// The content of a file determines its format, not its name. Damaged and truncated files are rejected. Thread-safe.
public enum ImageDecoder {
    /// The largest accepted image. A larger one would need more memory than a rank's whole batch.
    public static let maximumMegapixels = 100

    /// Decodes a file.
    ///
    /// - Throws: `ImageError`, which names the file.
    public static func decode(contentsOf path: String) throws -> PixelImage {
        let data = try read(path)
        if data.starts(with: [0xFF, 0xD8, 0xFF]) {
            return try JPEGDecoder(path: path, data: data).decode()
        }
        if data.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            return try PNGDecoder(path: path, data: data).decode()
        }
        throw ImageError.unknownFormat(path: path)
    }

    private static func read(_ path: String) throws -> Data {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
            throw ImageError.unreadable(path: path, reason: "it is a folder")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ImageError.unreadable(path: path, reason: error.localizedDescription)
        }
        if data.isEmpty { throw ImageError.empty(path: path) }
        return data
    }

    static func checkSize(path: String, width: Int, height: Int) throws {
        if width * height > maximumMegapixels * 1_000_000 {
            throw ImageError.tooLarge(path: path, width: width, height: height)
        }
    }
}
