import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The names in a folder of checkpoints, and their replacement by renaming.
///
///     step-000000012            a complete checkpoint
///     .tmp-step-000000012       a checkpoint that is being written
///     .replaced-step-000000012  the earlier checkpoint of that step, while the new one gets its name
///     best.json                 the name of the best checkpoint
struct CheckpointFolder {
    let path: String

    private static let (prefix, temporaryMark, replacedMark) = ("step-", ".tmp-", ".replaced-")
    var bestPath: String { "\(path)/best.json" }

    /// The folder name of a step. It has nine digits, so that names sort like steps.
    static func name(_ step: Int) -> String {
        let digits = String(step)
        return prefix + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }

    static func step(of name: String) -> Int? {
        name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
    }

    func checkpointPath(_ step: Int) -> String { "\(path)/\(Self.name(step))" }
    func temporaryPath(_ step: Int) -> String { "\(path)/\(Self.temporaryMark)\(Self.name(step))" }
    private func replacedPath(_ step: Int) -> String { "\(path)/\(Self.replacedMark)\(Self.name(step))" }

    /// The names in the folder; empty if the folder does not exist yet.
    private func names() throws -> [String] {
        try DurableFile.kind(of: path) == nil ? [] : try DurableFile.names(in: path)
    }

    /// The steps of all checkpoints, oldest first.
    func steps() throws -> [Int] { try names().compactMap(Self.step).sorted() }

    /// The steps and paths of all checkpoints, oldest first. A checkpoint that was about to be replaced counts if nothing has its name.
    func candidates() throws -> [(step: Int, path: String)] {
        let names = try names()
        var paths: [Int: String] = [:]
        for name in names where name.hasPrefix(Self.replacedMark) {
            if let step = Self.step(of: String(name.dropFirst(Self.replacedMark.count))) { paths[step] = "\(path)/\(name)" }
        }
        for name in names { if let step = Self.step(of: name) { paths[step] = "\(path)/\(name)" } }
        return paths.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    // MARK: - Changes

    /// Gives the temporary checkpoint of a step its final name. If there was a checkpoint of this step before, `candidates` has a complete
    /// one at every moment.
    func install(_ step: Int) throws {
        let (target, replaced) = (checkpointPath(step), replacedPath(step))
        let isReplacement = try DurableFile.kind(of: target) != nil
        if isReplacement {
            try remove(replaced)
            guard rename(target, replaced) == 0 else { throw DurableFile.failure(target, "replace the checkpoint") }
        }
        guard rename(temporaryPath(step), target) == 0 else {
            let error = DurableFile.failure(target, "rename the checkpoint to it")
            if isReplacement { rename(replaced, target) }
            throw error
        }
        try DurableFile.syncFolder(path)
        if isReplacement { try? remove(replaced) }
    }

    /// Removes a checkpoint or a part of one. It gets a temporary name first, so that a killed process leaves no part under its own name.
    func remove(_ doomed: String) throws {
        guard try DurableFile.kind(of: doomed) != nil else { return }
        let temporary = "\(path)/\(Self.temporaryMark)removed-\(getpid())"
        try? FileManager.default.removeItem(atPath: temporary)
        guard rename(doomed, temporary) == 0 else { throw DurableFile.failure(doomed, "remove it") }
        try? FileManager.default.removeItem(atPath: temporary)
    }

    /// Removes incomplete checkpoints of killed processes. A replaced checkpoint gets its name back if nothing has that name, and is
    /// removed if its successor is intact.
    func removeLeftovers(isIntact: (String) throws -> Bool) throws {
        for name in try names() where name.hasPrefix(Self.temporaryMark) {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        for name in try names() where name.hasPrefix(Self.replacedMark) {
            guard let step = Self.step(of: String(name.dropFirst(Self.replacedMark.count))) else { continue }
            if try DurableFile.kind(of: checkpointPath(step)) == nil {
                guard rename(replacedPath(step), checkpointPath(step)) == 0 else {
                    throw DurableFile.failure(checkpointPath(step), "restore the checkpoint")
                }
            } else if try isIntact(checkpointPath(step)) {
                try remove(replacedPath(step))
            }
        }
        if try DurableFile.kind(of: path) != nil { try DurableFile.removeTemporaries(in: path) }
    }

    // MARK: - The best checkpoint

    /// The contents of `best.json`.
    private struct Best: Codable {
        var checkpoint: String
    }

    /// The name of the best checkpoint; nil if none is marked.
    func bestName() throws -> String? {
        guard try DurableFile.kind(of: bestPath) != nil else { return nil }
        return try JSON.read(Best.self, from: bestPath).checkpoint
    }

    func markBest(_ step: Int) throws {
        try JSON.write(Best(checkpoint: Self.name(step)), to: bestPath)
    }
}
