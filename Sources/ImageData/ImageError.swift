/// A problem with one image file. Every case names the file.
public enum ImageError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be read.
    case unreadable(path: String, reason: String)
    /// The file has 0 bytes.
    case empty(path: String)
    /// The content is neither JPEG nor PNG nor WebP. `found` is the format, if it is known.
    case unknownFormat(path: String, found: String?)
    /// The image has more than `ImageDecoder.maximumPixels`.
    case tooLarge(path: String, width: Int, height: Int)
    /// The decoder rejected the content.
    case damaged(path: String, format: String, reason: String)
    /// There is not enough memory to decode the file.
    case noMemory(path: String)
    /// The file cannot be written.
    case unwritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "\(path): cannot be read (\(reason)); check that it is a file that this user may read"
        case .empty(let path):
            return "\(path): the file is empty (0 bytes); copy it again or remove it"
        case .unknownFormat(let path, let found):
            let content =
                found.map { "the content is neither JPEG, PNG nor WebP, but \($0)" } ?? "the content is neither JPEG, PNG nor WebP"
            return "\(path): \(content); convert the file or remove it"
        case .tooLarge(let path, let width, let height):
            return "\(path): \(width)×\(height) pixels exceed the limit of \(ImageDecoder.maximumPixels) pixels; "
                + "shrink the image or remove it"
        case .damaged(let path, let format, let reason):
            return "\(path): damaged \(format) file (\(reason)); copy it again or remove it"
        case .noMemory(let path):
            return "\(path): there is not enough memory to decode the image"
        case .unwritable(let path, let reason):
            return "\(path): cannot be written (\(reason))"
        }
    }
}
