#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The image files that the arguments of a command name.
public enum ImageFiles {
    /// Returns the files of one argument.
    ///
    /// - Parameter argument: a file, which need not exist; a folder, for the files with the extension of an image in it and in the folders
    ///   below, without hidden ones, sorted by the bytes of their paths; or a pattern such as `photos/*.jpg`, if no file has this name. An
    ///   argument without a folder or matches is returned as it is, so that reading it gives the error.
    /// - Throws: `ImageFolderError` if a folder cannot be listed, or `NoImageFiles`.
    public static func named(_ argument: String) throws -> [FileSystemPath] {
        let path = FileSystemPath(argument)
        if try FolderEntries.isFolder(path) {
            var files: [FileSystemPath] = []
            try walk(withoutSlash(path), above: [], into: &files)
            guard !files.isEmpty else { throw NoImageFiles(path: argument) }
            return files.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        }
        var status = stat()
        guard argument.contains(where: { "*?[".contains($0) }), path.withCString({ stat($0, &status) }) != 0 else { return [path] }
        let matches = matches(path)
        return matches.isEmpty ? [path] : matches
    }

    private static func withoutSlash(_ path: FileSystemPath) -> FileSystemPath {
        guard path.bytes.count > 1, path.bytes.last == UInt8(ascii: "/") else { return path }
        return withoutSlash(FileSystemPath(bytes: path.bytes.dropLast()))
    }

    /// - Parameter above: the folders that contain this one. A link to one of them would never end.
    private static func walk(_ folder: FileSystemPath, above: Set<FolderIdentity>, into files: inout [FileSystemPath]) throws {
        let identity = try FolderEntries.identity(folder)
        guard !above.contains(identity) else { return }
        for entry in try FolderEntries.list(folder) where !entry.isHidden {
            let path = folder.appending(entry.name)
            switch entry.kind {
            case .folder: try walk(path, above: above.union([identity]), into: &files)
            case .file: if ClassFolders.isImage(entry.name) { files.append(path) }
            case .brokenLink, .special: break
            }
        }
    }

    private static func matches(_ pattern: FileSystemPath) -> [FileSystemPath] {
        var found = glob_t()
        defer { globfree(&found) }
        guard pattern.withCString({ glob($0, 0, nil, &found) }) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { FileSystemPath(bytes: Array(UnsafeRawBufferPointer(start: $0, count: strlen($0)))) }
        }
    }
}

/// A folder without images.
public struct NoImageFiles: Error, CustomStringConvertible {
    var path: String

    public var description: String { "\(path): this folder and those in it have no .jpg, .jpeg, .jpe, .jfif, .png or .webp file" }
}
