import Foundation
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files that are either there whole or not at all, whenever the machine stops.
public enum DurableFile {
    /// Writes to a temporary name beside `path`, syncs it, renames it, and syncs the folder.
    public static func write(_ data: Data, to path: String) throws {
        try write(to: path) { descriptor in
            try data.withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
        }
    }

    /// Writes a value as JSON for people to read: indented, keys in order.
    public static func write(json value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(try encoder.encode(value), to: path)
    }

    /// The same for what `body` writes to the file descriptor that it is given.
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

    static func failure(_ path: String, _ action: String) -> InterchangeError {
        InterchangeError.system(path: path, action: action, reason: String(cString: strerror(errno)))
    }
}

/// `write` is taken by the methods above.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
