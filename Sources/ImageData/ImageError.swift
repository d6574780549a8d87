/// What can be wrong with one image file. Every case names the file.
public enum ImageError: Error, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case empty(path: String)
    case unknownFormat(path: String)
    case tooLarge(path: String, width: Int, height: Int)
    case damaged(path: String, format: String, reason: String)
    case unwritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            return "\(path): cannot be read (\(reason)); check that it is a file that this user may read"
        case .empty(let path):
            return "\(path): the file is empty (0 bytes); copy it again or remove it"
        case .unknownFormat(let path):
            return "\(path): neither a JPEG nor a PNG file, whatever its name says; convert or remove it"
        case .tooLarge(let path, let width, let height):
            return "\(path): \(width)×\(height) pixels are more than the \(ImageDecoder.maximumMegapixels) megapixels "
                + "that are accepted; shrink or remove it"
        case .damaged(let path, let format, let reason):
            return "\(path): damaged \(format) file (\(reason)); copy it again or remove it"
        case .unwritable(let path, let reason):
            return "\(path): cannot be written (\(reason))"
        }
    }
}
