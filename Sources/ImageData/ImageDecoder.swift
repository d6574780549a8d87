import Foundation

/// Reads JPEG and PNG files as 8-bit RGB, as PIL's `Image.open(path).convert("RGB")` does, with the EXIF orientation applied.
/// The content decides the format, not the name. Damaged and truncated files are refused. Thread-safe.
public enum ImageDecoder {
    /// Larger images are refused: one of them would take more memory than a rank's whole batch.
    public static let maximumMegapixels = 100

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
