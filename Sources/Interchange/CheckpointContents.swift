import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A checkpoint with files in memory. Its folder is not needed any more, so a training beside that removes old checkpoints does not disturb
/// its reader.
public struct CheckpointContents: Sendable {
    public var checkpoint: Checkpoint
    /// The bytes of files, by name.
    public var files: [String: Data]

    /// - Parameters:
    ///   - checkpoint: what the files belong to.
    ///   - files: the bytes of files, by name.
    public init(_ checkpoint: Checkpoint, files: [String: Data]) {
        self.checkpoint = checkpoint
        self.files = files
    }

    /// Reads and checks a checkpoint that was found before.
    ///
    /// - Parameters:
    ///   - checkpoint: the checkpoint.
    ///   - isKept: whether the bytes of a file are kept, by its name.
    /// - Throws: `InterchangeError` if the checkpoint is damaged, or no longer there.
    public init(reading checkpoint: Checkpoint, keeping isKept: (String) -> Bool) throws {
        switch try Self.read(checkpoint.folder, keeping: isKept) {
        case .contents(let contents): self = contents
        case .problem(let problem): throw InterchangeError.malformed(path: checkpoint.folder, reason: problem)
        case .vanished: throw InterchangeError.system(path: checkpoint.folder, action: "read the checkpoint", code: ENOENT)
        }
    }

    /// The result of an attempt to read a checkpoint.
    enum Attempt {
        case contents(CheckpointContents)
        /// The checkpoint is damaged.
        case problem(String)
        /// Another process removed the checkpoint, or replaced it, in the meantime.
        case vanished
    }

    /// Reads all files of a checkpoint, and compares them with their checksums. It opens all files before it reads the first. On a local
    /// file system, an open file stays readable when its name is removed. On a network file system, it can become stale; this is
    /// `vanished`.
    ///
    /// - Parameters:
    ///   - path: of the checkpoint's folder.
    ///   - isKept: whether the bytes of a file are kept, by its name.
    /// - Throws: `CheckpointError.unreadable` if the system does not let an existing file be read; `InterchangeError.version`.
    static func read(_ path: String, keeping isKept: (String) -> Bool) throws -> Attempt {
        do {
            return try readOpened(try OpenFolder(path), path, keeping: isKept)
        } catch let error as InterchangeError {
            if case .version = error { throw error }
            if try DurableFile.kind(of: path) == nil { return .vanished }
            if error.isUnreadable { throw CheckpointError.unreadable(folder: path, reason: "\(error)") }
            return .problem("\(error)")
        }
    }

    private static func readOpened(_ folder: OpenFolder, _ path: String, keeping isKept: (String) -> Bool) throws -> Attempt {
        let manifest = try CheckpointManifest.decode(
            try folder.file(CheckpointManifest.fileName).read(), path: "\(path)/\(CheckpointManifest.fileName)")
        guard manifest.stateIsIntact else { return .problem("the state in \(CheckpointManifest.fileName) is damaged") }
        let opened = try manifest.files.sorted { $0.key < $1.key }.map { (name: $0.key, expected: $0.value, file: try folder.file($0.key)) }
        var files: [String: Data] = [:]
        for (name, expected, file) in opened {
            let (data, found) = try file.read(keeping: isKept(name))
            if let difference = CheckpointManifest.difference(found, expected) { return .problem("\(name) \(difference)") }
            if let data { files[name] = data }
        }
        let checkpoint = Checkpoint(step: manifest.step, folder: path, state: Data(manifest.state.utf8))
        return .contents(CheckpointContents(checkpoint, files: files))
    }
}

/// A folder that stays the same one if another gets its name.
private final class OpenFolder {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DurableFile.failure(path, "open the folder") }
    }

    deinit { close(descriptor) }

    func file(_ name: String) throws -> OpenFile {
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DurableFile.failure("\(path)/\(name)", "read the file") }
        return OpenFile("\(path)/\(name)", file)
    }
}

/// A file that stays readable if its name is removed.
private final class OpenFile {
    private let path: String
    private let descriptor: Int32

    init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    func read() throws -> Data { try read(keeping: true).data ?? Data() }

    /// Reads the file to its end.
    ///
    /// - Returns: its bytes if they are kept, and its size and checksum.
    func read(keeping isKept: Bool) throws -> (data: Data?, checksum: FileChecksum) {
        var (data, bytes, sum) = (Data(), 0, CRC32())
        try DurableFile.readParts(of: descriptor, path) {
            bytes += $0.count
            sum.add($0)
            if isKept { data.append(contentsOf: $0) }
            return true
        }
        return (isKept ? data : nil, FileChecksum(bytes: bytes, crc32: sum.value))
    }
}

extension CheckpointStore {
    /// Reads the newest undamaged checkpoint into memory; nil if the folder has no checkpoint at all. Another process can write and remove
    /// checkpoints meanwhile.
    ///
    /// - Parameters:
    ///   - isKept: whether the bytes of a file are kept, by its name.
    ///   - report: receives a sentence about each damaged checkpoint that is newer than the returned one.
    /// - Throws: see `newestValid`.
    public func readNewest(keeping isKept: (String) -> Bool, report: (String) -> Void) throws -> CheckpointContents? {
        attempts: for _ in 0..<Self.attempts {
            var problems: [String] = []
            for (_, path) in try folder.candidates().reversed() {
                switch try CheckpointContents.read(path, keeping: isKept) {
                case .contents(let contents):
                    problems.forEach { report("checkpoint \($0)") }
                    return contents
                case .problem(let problem): problems.append("\(path) is skipped: \(problem)")
                // A newer one is there by now.
                case .vanished: continue attempts
                }
            }
            guard problems.isEmpty else { throw CheckpointError.noneValid(folder: folder.path, problems: problems) }
            return nil
        }
        throw CheckpointError.busy(folder: folder.path)
    }

    /// Reads the checkpoint that is marked as the best into memory; nil if there is none or it is damaged.
    ///
    /// - Parameters:
    ///   - isKept: whether the bytes of a file are kept, by its name.
    ///   - report: receives a sentence about a damaged checkpoint or a damaged `best.json`.
    public func readBest(keeping isKept: (String) -> Bool, report: (String) -> Void) throws -> CheckpointContents? {
        for _ in 0..<Self.attempts {
            let name: String
            do {
                guard let marked = try folder.bestName() else { return nil }
                name = marked
            } catch InterchangeError.malformed(let path, let reason) {
                report("\(path) is damaged: \(reason)")
                return nil
            }
            switch try CheckpointContents.read("\(folder.path)/\(name)", keeping: isKept) {
            case .contents(let contents): return contents
            case .problem(let problem):
                report("checkpoint \(folder.path)/\(name) is skipped: \(problem)")
                return nil
            case .vanished:
                // Another one is the best by now, unless someone removed it.
                guard try folder.bestName() == name else { continue }
                report("checkpoint \(folder.path)/\(name) is skipped: it is missing")
                return nil
            }
        }
        throw CheckpointError.busy(folder: folder.path)
    }
}
