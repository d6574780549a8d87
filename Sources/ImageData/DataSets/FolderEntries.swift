#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An entry of a folder.
struct FolderEntry {
    enum Kind {
        case file, folder
        /// A symbolic link whose target does not exist, or that leads back to itself.
        case brokenLink
        /// A device, a socket or a named pipe.
        case special
    }

    var name: [UInt8]
    var kind: Kind

    var isHidden: Bool { name.first == UInt8(ascii: ".") }
}

/// Identifies a folder on this host, whatever path leads to it.
struct FolderIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// Lists folders with system calls. Foundation's functions do not distinguish errors from absence.
///
/// `readdir` returns the kind of most entries. Only symbolic links, and entries of file systems that do not record the kind, need a call
/// for each entry. This matters on network file systems with a million images.
enum FolderEntries {
    /// Returns the entries of a folder, sorted by the bytes of their names, so that every host has the same order.
    ///
    /// - Throws: `ImageFolderError.unreadable` with the reason of the system.
    static func list(_ path: FileSystemPath) throws -> [FolderEntry] {
        guard let stream = path.withCString({ opendir($0) }) else { throw failure(path) }
        defer { closedir(stream) }
        var entries: [FolderEntry] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = name(of: entry)
            if name != [UInt8(ascii: ".")] && name != Array("..".utf8), let kind = try kind(of: entry, path.appending(name)) {
                entries.append(FolderEntry(name: name, kind: kind))
            }
            errno = 0
        }
        guard errno == 0 else { throw failure(path) }
        return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// Returns whether a path is a folder; false if it does not exist or is something else.
    ///
    /// - Throws: `ImageFolderError.unreadable` if the system cannot tell.
    static func isFolder(_ path: FileSystemPath) throws -> Bool {
        guard let status = try status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    /// Returns whether a path is a file; false if it does not exist or is something else.
    ///
    /// - Throws: `ImageFolderError.unreadable` if the system cannot tell.
    static func isFile(_ path: FileSystemPath) throws -> Bool {
        guard let status = try status(path) else { return false }
        return status.st_mode & S_IFMT == S_IFREG
    }

    /// - Throws: `ImageFolderError.unreadable`, also if the folder does not exist.
    static func identity(_ path: FileSystemPath) throws -> FolderIdentity {
        guard let status = try status(path) else { throw failure(path, ENOENT) }
        return FolderIdentity(device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Returns the status of a path, following symbolic links; nil if nothing exists there.
    private static func status(_ path: FileSystemPath) throws -> stat? {
        var status = stat()
        if path.withCString({ stat($0, &status) }) == 0 { return status }
        let error = errno
        if error == ENOENT || error == ENOTDIR { return nil }
        throw failure(path, error)
    }

    /// Returns nil if the entry has disappeared since it was listed.
    private static func kind(of entry: UnsafeMutablePointer<dirent>, _ path: FileSystemPath) throws -> FolderEntry.Kind? {
        switch Int32(entry.pointee.d_type) {
        case Int32(DT_REG): return .file
        case Int32(DT_DIR): return .folder
        case Int32(DT_LNK), Int32(DT_UNKNOWN): break
        default: return .special
        }
        var status = stat()
        if path.withCString({ stat($0, &status) }) != 0 {
            let error = errno
            guard error == ENOENT || error == ENOTDIR || error == ELOOP else { throw failure(path, error) }
            return path.withCString({ lstat($0, &status) }) == 0 ? .brokenLink : nil
        }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .special
        }
    }

    /// Reads the name in place: the system's entry can be shorter than the structure, so a copy would read beyond its end.
    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        withUnsafePointer(to: &entry.pointee.d_name) {
            let text = UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self)
            return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
        }
    }

    private static func failure(_ path: FileSystemPath, _ error: Int32 = errno) -> ImageFolderError {
        .unreadable(path: path.description, reason: String(cString: strerror(error)))
    }
}
