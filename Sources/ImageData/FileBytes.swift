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
        // Without O_NONBLOCK, a named pipe would block.
        let descriptor = path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw ImageError.unreadable(path: path.description, reason: "it is a folder")
        default: throw ImageError.unreadable(path: path.description, reason: "it is not a regular file")
        }
        let size = Int(status.st_size)
        guard size > 0 else { throw ImageError.empty(path: path.description) }
        guard size <= limit else { throw ImageError.unreadable(path: path.description, reason: "it has more than \(limit >> 30) GiB") }
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let read = systemRead(descriptor, buffer.baseAddress! + count, size - count)
                if read < 0 && errno == EINTR { continue }
                guard read >= 0 else { throw unreadable(path, errno) }
                // The file was truncated after fstat.
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

    private static func unreadable(_ path: FileSystemPath, _ error: Int32) -> ImageError {
        .unreadable(path: path.description, reason: String(cString: strerror(error)))
    }
}

/// The system call `read`. Inside `FileBytes`, the name `read` means its own method; the same holds for `write`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
