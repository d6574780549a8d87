import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads and writes files. A written file is either complete or absent, even if the machine stops at any moment.
public enum DurableFile {
    /// Writes a file: writes the data under a temporary name in the same folder, syncs it, renames it to `path`, and syncs the folder.
    public static func write(_ data: Data, to path: String) throws {
        try write(to: path) { descriptor in
            try data.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
        }
    }

    /// Returns the bytes of a file.
    ///
    /// The file is read and not mapped: an I/O error on a mapped file is a signal that ends the program.
    public static func read(_ path: String) throws -> Data {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "read the file") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "read the file") }
        var data = Data(count: max(0, Int(status.st_size)))
        var count = 0
        while true {
            // The size is only a hint: files of /proc have none, and a file can grow.
            if count == data.count { data.count += max(4096, data.count / 2) }
            let read = try data.withUnsafeMutableBytes { bytes in
                try readSome(descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[count...]), path)
            }
            guard read > 0 else { break }
            count += read
        }
        data.count = count
        return data
    }

    /// Returns the bytes of a file that is small if it is what it should be; nil if there are more than the limit. Pipes work, too: each
    /// byte is read once.
    package static func read(_ path: String, limit: Int) throws -> Data? {
        var data = Data()
        try readParts(of: path) {
            data.append(contentsOf: $0)
            return data.count <= limit
        }
        return data.count <= limit ? data : nil
    }

    /// Passes the bytes of a file to a closure, part by part, so that a large file needs little memory. Ends early if the closure returns
    /// false.
    static func readParts(of path: String, _ body: (UnsafeRawBufferPointer) -> Bool) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "read the file") }
        defer { close(descriptor) }
        try readParts(of: descriptor, path, body)
    }

    /// The same for an open file.
    static func readParts(of descriptor: Int32, _ path: String, _ body: (UnsafeRawBufferPointer) -> Bool) throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 16) { buffer in
            while true {
                let count = try readSome(descriptor, buffer, path)
                guard count > 0, body(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
            }
        }
    }

    private static func readSome(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ path: String) throws -> Int {
        while true {
            let count = systemRead(descriptor, buffer.baseAddress!, min(buffer.count, 1 << 30))
            if count >= 0 { return count }
            guard errno == EINTR else { throw failure(path, "read the file") }
        }
    }

    /// Returns the path of the folder that contains a path: "a/b" → "a", "/a" → "/", "a" → ".".
    public static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)[...]
        let slash = UInt8(ascii: "/")
        func dropSlashes() { while bytes.count > 1, bytes.last == slash { bytes.removeLast() } }
        dropSlashes()
        guard let last = bytes.lastIndex(of: slash) else { return "." }
        bytes = bytes[...last]
        dropSlashes()
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Removes the temporary files that killed processes left in a folder.
    ///
    /// Call it only if no other process writes to the folder.
    public static func removeTemporaries(in folder: String) throws {
        for name in try names(in: folder) where isTemporary(name) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    /// Whether a name has the form "NAME.PID.tmp".
    private static func isTemporary(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        return parts.count >= 3 && parts.last == "tmp" && parts[parts.count - 2].allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// What a path names.
    public enum Kind: Sendable { case file, folder, other }

    /// Returns what a path names, after following symbolic links; nil if there is nothing.
    ///
    /// - Throws: if the system cannot tell. An I/O error does not mean that the file is absent. A symbolic link to nothing is an error,
    /// too: the file system with its target can be missing.
    public static func kind(of path: String) throws -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let error = failure(path, "look at the file")
            guard errno == ENOENT || errno == ENOTDIR else { throw error }
            if lstat(path, &status) == 0 { throw InterchangeError.system(path: path, action: "follow this symbolic link", code: ENOENT) }
            return nil
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    /// Returns the names in a folder, in no particular order.
    public static func names(in path: String) throws -> [String] {
        guard let stream = opendir(path) else { throw failure(path, "list the folder") }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            // Reads the name in place: the system's entry can be shorter than the structure, so a copy would read beyond its end.
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw failure(path, "list the folder") }
        return names
    }

    /// Creates a folder and its missing parents, and syncs the folders that contain them. Does nothing if the folder exists.
    public static func createFolder(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR { return }
        let parent = parent(of: path)
        if parent != "." && parent != path { try createFolder(parent) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR else {
            throw failure(path, "create the folder")
        }
        // A folder that may not be opened, such as that of other users, is not synced.
        try? syncFolder(parent)
    }

    /// Gives a file or a folder another name in the same file system.
    public static func move(_ path: String, to target: String) throws {
        guard rename(path, target) == 0 else { throw failure(path, "rename it to \(target)") }
        try syncFolder(parent(of: target))
    }

    /// Opens an existing file for writing. The caller closes the descriptor.
    public static func openForUpdating(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "open the file for writing") }
        return descriptor
    }

    /// Overwrites bytes of an open file from a position on. Does not sync the file.
    ///
    /// - Parameters:
    ///   - data: the bytes.
    ///   - descriptor: of the file.
    ///   - offset: of the first byte.
    ///   - path: for the error.
    public static func write(_ data: Data, to descriptor: Int32, at offset: Int, path: String) throws {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw failure(path, "write") }
        try data.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
    }

    /// Writes a file in the same way, with contents that `body` writes to the file descriptor that it receives.
    package static func write(to path: String, _ body: (Int32) throws -> Void) throws {
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(temporary, "create the file") }
        do {
            try body(descriptor)
            guard fsync(descriptor) == 0 else { throw failure(temporary, "sync the file") }
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        // NFS reports some failed writes only here.
        guard close(descriptor) == 0 else {
            let error = failure(temporary, "close the file")
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = failure(path, "rename the temporary file to it")
            unlink(temporary)
            throw error
        }
        try syncFolder(parent(of: path))
    }

    package static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let written = systemWrite(descriptor, bytes.baseAddress! + offset, min(bytes.count - offset, 1 << 30))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure(path, "write") }
            offset += written
        }
    }

    static func syncFolder(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "open the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "sync the folder") }
    }

    /// Returns the error of the system call that just failed, from `errno`.
    static func failure(_ path: String, _ action: String) -> InterchangeError {
        InterchangeError.system(path: path, action: action, code: errno)
    }
}

/// The system call `read`. Inside `DurableFile`, the name `read` means its own method; the same holds for `write`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
