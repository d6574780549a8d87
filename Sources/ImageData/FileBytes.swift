#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads and writes whole files with system calls, so that errors have the reason of the system.
enum FileBytes {
    /// The largest image file, in bytes. The largest accepted image has fewer bytes without any compression.
    static let limit = 2 << 30

    /// Returns the content of a file.
    ///
    /// - Throws: `ImageError`, which names the file.
    static func read(_ path: FileSystemPath) throws -> [UInt8] {
        try withFile(path) { descriptor, size in
            guard size > 0 else { throw ImageError.empty(path: path.description) }
            return try read(0..<size, descriptor, path.description)
        }
    }

    /// Returns a part of a file.
    ///
    /// - Parameters:
    ///   - range: the position of the bytes.
    ///   - path: of the file.
    ///   - name: of the part, for errors.
    /// - Throws: `ImageError`, which names the part.
    static func read(_ range: Range<Int>, of path: FileSystemPath, name: String) throws -> [UInt8] {
        guard !range.isEmpty else { throw ImageError.empty(path: name) }
        return try withFile(path) { descriptor, size in
            let bytes = try read(range, descriptor, name)
            guard range.upperBound <= size, bytes.count == range.count else {
                throw ImageError.unreadable(path: name, reason: "\(path) is shorter than it was")
            }
            return bytes
        }
    }

    /// Opens a regular file.
    ///
    /// - Parameter body: receives the descriptor and the size in bytes.
    static func withFile<Result>(_ path: FileSystemPath, _ body: (Int32, Int) throws -> Result) throws -> Result {
        // Without O_NONBLOCK, a named pipe would block.
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw unreadable(path.description, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path.description, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw ImageError.unreadable(path: path.description, reason: "it is a folder")
        default: throw ImageError.unreadable(path: path.description, reason: "it is not a regular file")
        }
        return try body(descriptor, Int(status.st_size))
    }

    /// Reads a part of an open file. The result is shorter if the file ends before.
    static func read(_ range: Range<Int>, _ descriptor: Int32, _ name: String) throws -> [UInt8] {
        guard range.count <= limit else { throw ImageError.unreadable(path: name, reason: "it has more than \(limit >> 30) GiB") }
        return try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let read = pread(descriptor, buffer.baseAddress! + count, range.count - count, off_t(range.lowerBound + count))
                if read < 0 && errno == EINTR { continue }
                guard read >= 0 else { throw unreadable(name, errno) }
                if read == 0 { break }
                count += read
            }
        }
    }

    /// Writes a file. An existing file is replaced.
    ///
    /// - Throws: `ImageError.unwritable`
    static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        func failure() -> ImageError { .unwritable(path: path, reason: String(cString: strerror(errno))) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure() }
        var offset = 0
        while offset < bytes.count {
            let written = systemWrite(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                let error = failure()
                close(descriptor)
                throw error
            }
            offset += written
        }
        guard close(descriptor) == 0 else { throw failure() }
    }

    private static func unreadable(_ path: String, _ error: Int32) -> ImageError {
        .unreadable(path: path, reason: String(cString: strerror(error)))
    }
}

/// The system call `write`. Inside `FileBytes`, the name `write` means its own method.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
