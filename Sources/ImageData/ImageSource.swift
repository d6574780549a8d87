/// Where the bytes of an image are.
public enum ImageSource: Hashable, Sendable, CustomStringConvertible {
    /// A file of its own.
    case file(FileSystemPath)
    /// A member of a tar file.
    case member(name: FileSystemPath, shard: FileSystemPath, bytes: Range<Int>)

    /// The text of the path; that of a member is the path of the tar file, then its name. Bytes that are not UTF-8 appear as \xf6.
    public var description: String { FileSystemPath.text(pathBytes) }

    /// The path as bytes.
    public var pathBytes: [UInt8] {
        switch self {
        case .file(let file): return file.bytes
        case .member(let name, let shard, _): return shard.appending(name.bytes).bytes
        }
    }

    /// The size in bytes; -1 if the system does not tell. Does not open the file.
    public var size: Int {
        switch self {
        case .file(let file): return file.fileSize
        case .member(_, _, let bytes): return bytes.count
        }
    }

    /// Returns the bytes.
    ///
    /// - Throws: `ImageError`, which names the source.
    public func read() throws -> [UInt8] {
        switch self {
        case .file(let file): return try FileBytes.read(file)
        case .member(_, let shard, let bytes): return try FileBytes.read(bytes, of: shard, name: description)
        }
    }
}
