import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A checkpoint that is on disk.
public struct Checkpoint: Codable, Equatable, Sendable {
    /// The number of training steps before this checkpoint.
    public var step: Int
    /// The path of the checkpoint's folder.
    public var folder: String
    /// The caller's state, as JSON text.
    public var state: Data

    /// Returns the path of one of the checkpoint's files.
    public func path(_ file: String) -> String { "\(folder)/\(file)" }

    /// Decodes the state.
    ///
    /// - Throws: `InterchangeError.malformed` if another version or another program wrote the state.
    public func decodeState<State: Decodable>(_ type: State.Type) throws -> State {
        let source = path(CheckpointManifest.fileName)
        do {
            return try JSON.decode(type, from: state, source: source)
        } catch InterchangeError.malformed(_, let reason) {
            throw InterchangeError.malformed(
                path: source,
                reason: "in its state, \(reason). Use the build that wrote this checkpoint, or start a new run in another folder")
        }
    }
}

/// Saves and loads checkpoints in a folder. Each checkpoint is a subfolder (`step-000001234`) that is either complete or absent.
public final class CheckpointStore {
    private let folder: String
    private let keep: Int
    private static let bestFile = "best.json"
    private static let temporaryMark = ".tmp-"

    /// Opens a folder of checkpoints. The folder does not need to exist.
    ///
    /// - Parameter keep: the number of newest checkpoints to keep, in addition to the best one. At least 1.
    public init(folder: String, keep: Int) {
        self.folder = folder
        self.keep = max(1, keep)
    }

    /// Writes a checkpoint, then removes the oldest ones so that `keep` remain.
    ///
    /// A checkpoint of the same step is replaced. Checkpoints of later steps are removed: they were damaged, and the run continued from an
    /// earlier one.
    ///
    /// - Parameters:
    ///   - files: for each file name, a closure that writes the file to the path that it receives.
    ///   - isBest: whether to mark this checkpoint as the best.
    public func save(
        step: Int, state: Data, files: [String: (String) throws -> Void], isBest: Bool
    ) throws -> Checkpoint {
        try DurableFile.createFolder(folder)
        try removeLeftovers()
        let name = Self.name(step)
        let temporary = "\(folder)/\(Self.temporaryMark)\(name)"
        try DurableFile.createFolder(temporary)
        var described: [String: CheckpointManifest.File] = [:]
        for (file, write) in files {
            try write("\(temporary)/\(file)")
            described[file] = try CheckpointManifest.describe("\(temporary)/\(file)")
        }
        let manifest = CheckpointManifest(step: step, files: described, state: state)
        try JSON.write(manifest, to: "\(temporary)/\(CheckpointManifest.fileName)")
        try DurableFile.syncFolder(temporary)
        try move(temporary, to: "\(folder)/\(name)")
        let checkpoint = Checkpoint(step: step, folder: "\(folder)/\(name)", state: state)
        if isBest { try markBest(checkpoint) }
        try prune(newest: step)
        return checkpoint
    }

    /// Returns the newest undamaged checkpoint; nil if there is none.
    ///
    /// - Parameter report: receives a sentence about each damaged checkpoint.
    /// - Throws: if the folder cannot be listed, or if a later build wrote a checkpoint. Skipping that checkpoint would lose its progress,
    ///   because the next `save` would remove it.
    public func newestValid(report: (String) -> Void) throws -> Checkpoint? {
        for step in try steps().reversed() {
            if let checkpoint = try load(Self.name(step), report: report) { return checkpoint }
        }
        return nil
    }

    /// Returns the checkpoint that is marked as the best; nil if there is none or it is damaged.
    ///
    /// - Parameter report: receives a sentence about a damaged checkpoint or a damaged `best.json`.
    public func best(report: (String) -> Void) throws -> Checkpoint? {
        do {
            return try bestName().flatMap { try load($0, report: report) }
        } catch InterchangeError.malformed(let path, let reason) {
            report("\(path) is damaged: \(reason)")
            return nil
        }
    }

    /// Marks a checkpoint as the best. `save` never removes it while it is the best.
    public func markBest(_ checkpoint: Checkpoint) throws {
        try JSON.write(Best(checkpoint: Self.name(checkpoint.step)), to: bestPath)
    }

    private func load(_ name: String, report: (String) -> Void) throws -> Checkpoint? {
        let path = "\(folder)/\(name)"
        do {
            let manifest = try CheckpointManifest.read("\(path)/\(CheckpointManifest.fileName)")
            guard let problem = manifest.problem(in: path) else {
                return Checkpoint(step: manifest.step, folder: path, state: Data(manifest.state.utf8))
            }
            report("checkpoint \(path) is skipped: \(problem)")
        } catch let error as InterchangeError {
            if case .version = error { throw error }
            report("checkpoint \(path) is skipped: \(CheckpointManifest.fileName) is missing or damaged (\(error))")
        }
        return nil
    }

    // MARK: - The folder

    /// The folder name of a step. It has nine digits, so that names sort like steps.
    private static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }

    /// The steps of all checkpoints, oldest first.
    private func steps() throws -> [Int] {
        try contents().compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    /// The names in the folder; empty if the folder does not exist yet.
    private func contents() throws -> [String] {
        FileManager.default.fileExists(atPath: folder) ? try DurableFile.names(in: folder) : []
    }

    /// The contents of `best.json`.
    private struct Best: Codable {
        var checkpoint: String
    }

    private var bestPath: String { "\(folder)/\(Self.bestFile)" }

    private func bestName() throws -> String? {
        guard FileManager.default.fileExists(atPath: bestPath) else { return nil }
        return try JSON.read(Best.self, from: bestPath).checkpoint
    }

    private func prune(newest: Int) throws {
        let steps = try steps()
        var removed = steps.filter { $0 > newest }
        // If best.json is unreadable, any of the older checkpoints could be the best, so all of them stay.
        if let best = try? bestName() ?? "" {
            removed += steps.filter { $0 <= newest }.dropLast(keep).filter { Self.name($0) != best }
        }
        for step in removed { try? FileManager.default.removeItem(atPath: "\(folder)/\(Self.name(step))") }
    }

    /// Removes incomplete checkpoints of a killed process.
    private func removeLeftovers() throws {
        for name in try contents() where name.hasPrefix(Self.temporaryMark) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    /// Renames a complete temporary folder to its final name. An existing folder of that name is first renamed to a name that
    /// `removeLeftovers` removes.
    private func move(_ temporary: String, to path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            let replaced = "\(folder)/\(Self.temporaryMark)replaced"
            guard rename(path, replaced) == 0 else { throw DurableFile.failure(path, "replace the checkpoint") }
        }
        guard rename(temporary, path) == 0 else { throw DurableFile.failure(path, "rename the checkpoint to it") }
        try DurableFile.syncFolder(folder)
        try removeLeftovers()
    }
}
