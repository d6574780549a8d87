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

    /// Returns the bytes of a file, mapped into memory if possible.
    public static func read(_ path: String) throws -> Data {
        // Foundation gives no reason for some failures. The system calls always set one.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "read the file") }
        var byte: UInt8 = 0
        let isReadable = systemRead(descriptor, &byte, 1) >= 0
        let error = failure(path, "read the file")
        close(descriptor)
        guard isReadable, let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else { throw error }
        return data
    }

    /// What a path names.
    public enum Kind: Sendable { case file, folder, other }

    /// Returns what a path names, after following symbolic links; nil if there is nothing.
    ///
    /// - Throws: if the system cannot tell. An I/O error does not mean that the file is absent.
    public static func kind(of path: String) throws -> Kind? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure(path, "look at the file")
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

    /// Creates a folder and its missing parents. Does nothing if the folder exists.
    public static func createFolder(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR { return }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty && parent != path { try createFolder(parent) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR else {
            throw failure(path, "create the folder")
        }
    }

    /// Writes a file in the same way, with contents that `body` writes to the file descriptor that it receives.
    static func write(to path: String, _ body: (Int32) throws -> Void) throws {
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
        close(descriptor)
        guard rename(temporary, path) == 0 else {
            let error = failure(path, "rename the temporary file to it")
            unlink(temporary)
            throw error
        }
        try syncFolder((path as NSString).deletingLastPathComponent)
    }

    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws {
        var offset = 0
        while offset < bytes.count {
            let written = systemWrite(descriptor, bytes.baseAddress! + offset, min(bytes.count - offset, 1 << 30))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure(path, "write") }
            offset += written
        }
    }

    static func syncFolder(_ path: String) throws {
        let folder = path.isEmpty ? "." : path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder, "open the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(folder, "sync the folder") }
    }

    /// Returns the error of the system call that just failed, from `errno`.
    static func failure(_ path: String, _ action: String) -> InterchangeError {
        InterchangeError.system(path: path, action: action, reason: String(cString: strerror(errno)))
    }
}

/// The system call `read`. Inside `DurableFile`, the name `read` means its own method; the same holds for `write`.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
