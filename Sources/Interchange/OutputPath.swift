import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Paths of files that a command writes at the end of long work. They are checked before it.
public enum OutputPath {
    /// Checks that a file can be written at a path, without changing an existing file.
    ///
    /// - Throws: `OutputPathError`, which names the path and the reason.
    public static func requireFile(_ path: String) throws {
        func refusal(_ reason: String) -> OutputPathError { OutputPathError(path: path, action: "write the file", reason: reason) }
        guard !path.isEmpty, !path.hasSuffix("/") else { throw refusal("this is not the path of a file") }
        var status = stat()
        if stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { throw refusal("it is a folder; name a file in it") }
            if isWrittenInPlace(path, status) {
                guard access(path, W_OK) == 0 else { throw refusal(String(cString: strerror(errno))) }
                return
            }
        } else if errno != ENOENT {
            throw refusal(String(cString: strerror(errno)))
        }
        let target = resolved(path)
        let folder = DurableFile.parent(of: target)
        if stat(folder, &status) != 0, errno == ENOENT {
            throw refusal("the folder \(folder) does not exist; create it, or choose another path")
        }
        if let reason = probe(target) { throw refusal(reason) }
    }

    /// Creates a folder and its missing parents, and checks that files can be written in it.
    ///
    /// - Throws: `OutputPathError` or `InterchangeError`, which name the path and the reason.
    public static func requireFolder(_ path: String) throws {
        try DurableFile.createFolder(path)
        if let reason = probe(path + "/probe") {
            throw OutputPathError(path: path, action: "write in the folder", reason: reason)
        }
    }

    /// Writes a file durably. Devices and pipes, such as /dev/stdout, are written in place; a symbolic link keeps its place.
    public static func write(_ data: Data, to path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, isWrittenInPlace(path, status) else { return try DurableFile.write(data, to: resolved(path)) }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw DurableFile.failure(path, "write the file") }
        defer { close(descriptor) }
        try data.withUnsafeBytes { try DurableFile.writeAll($0, to: descriptor, path: path) }
    }

    /// A new file cannot take the place of these.
    private static func isWrittenInPlace(_ path: String, _ status: stat) -> Bool {
        status.st_mode & S_IFMT != S_IFREG || path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
    }

    /// The file behind symbolic links; the path itself if there is no such file.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Creates and removes a file with the temporary name that `DurableFile` uses.
    ///
    /// - Returns: the reason if that is not possible; otherwise nil.
    private static func probe(_ path: String) -> String? {
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        close(descriptor)
        unlink(temporary)
        return nil
    }
}

/// A path that a command cannot write to.
public struct OutputPathError: Error, CustomStringConvertible {
    var path: String
    var action: String
    var reason: String

    public var description: String { "\(path): cannot \(action): \(reason)" }
}

extension InterchangeError {
    /// Whether the system does not permit the action: the file system is read-only, or the user has no permission.
    public var isRefusal: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return [EROFS, EACCES, EPERM].contains(code)
    }
}
