import CZlib

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Properties of image files that hosts compare. A file that cannot be read has a value of its own, so that the comparison needs no error:
/// whoever uses the file reports it.
extension FileSystemPath {
    /// The size of the file in bytes; -1 if the system does not tell. Does not open the file.
    public var fileSize: Int {
        var status = stat()
        return withCString({ stat($0, &status) }) == 0 ? Int(status.st_size) : -1
    }
}

extension ImageSource {
    /// The CRC-32 of the bytes; nil if they cannot be read.
    public var checksum: UInt32? {
        guard let bytes = try? read() else { return nil }
        return bytes.withUnsafeBytes { UInt32(truncatingIfNeeded: crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count))) }
    }
}
