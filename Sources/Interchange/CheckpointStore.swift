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
///
/// The store removes a checkpoint only if at least `keep` later ones are intact. Intact are those that this object wrote or validated. The
/// store never removes what it could not read.
public final class CheckpointStore {
    let folder: CheckpointFolder
    private let keep: Int
    /// The steps of the checkpoints that this object wrote or validated.
    private var intact: Set<Int> = []

    /// Opens a folder of checkpoints. The folder does not need to exist.
    ///
    /// - Parameters:
    ///   - folder: the path of the folder.
    ///   - keep: the number of newest checkpoints to keep, in addition to the best one. At least 1.
    public init(folder: String, keep: Int) {
        self.folder = CheckpointFolder(path: folder)
        self.keep = max(1, keep)
    }

    /// Writes a checkpoint, then removes old ones that are replaced. A checkpoint of the same step is replaced.
    ///
    /// If it fails, no file of the new checkpoint remains, and the earlier checkpoints are unchanged.
    ///
    /// - Parameters:
    ///   - step: the number of training steps before the checkpoint.
    ///   - state: the caller's state, as JSON text.
    ///   - files: for each file name, a closure that writes the file to the path that it receives.
    ///   - isBest: whether to mark this checkpoint as the best.
    ///   - isSound: false for a checkpoint that can be useless. It makes no earlier one superfluous, so none is removed.
    public func save(
        step: Int, state: Data, files: [String: (String) throws -> Void], isBest: Bool, isSound: Bool = true
    ) throws -> Checkpoint {
        try DurableFile.createFolder(folder.path)
        let temporary = folder.temporaryPath(step)
        try folder.remove(temporary)
        do {
            try write(step: step, state: state, files: files, to: temporary)
            try folder.install(step)
        } catch {
            try? folder.remove(temporary)
            throw error
        }
        if isSound { intact.insert(step) }
        let checkpoint = Checkpoint(step: step, folder: folder.checkpointPath(step), state: state)
        if isBest { try markBest(checkpoint) }
        if isSound { prune() }
        return checkpoint
    }

    private func write(step: Int, state: Data, files: [String: (String) throws -> Void], to path: String) throws {
        try DurableFile.createFolder(path)
        var described: [String: CheckpointManifest.File] = [:]
        for (file, write) in files {
            try write("\(path)/\(file)")
            described[file] = try CheckpointManifest.describe("\(path)/\(file)")
        }
        try JSON.write(CheckpointManifest(step: step, files: described, state: state), to: "\(path)/\(CheckpointManifest.fileName)")
        try DurableFile.syncFolder(path)
    }

    /// Replaces the state of a checkpoint. Its other files stay. At every moment, the checkpoint has either the old or the new state.
    public func replaceState(ofStep step: Int, with state: Data) throws {
        let path = "\(folder.checkpointPath(step))/\(CheckpointManifest.fileName)"
        let old = try CheckpointManifest.read(path)
        try JSON.write(CheckpointManifest(step: step, files: old.files, state: state), to: path)
    }

    /// Removes what killed processes left, and completes a replacement that one of them began. Call it only if no other process writes to
    /// the folder.
    public func removeLeftovers() throws {
        try folder.removeLeftovers { try load(at: $0).checkpoint != nil }
    }

    // MARK: - Finding

    /// How often the listing is repeated while another process removes checkpoints. It removes one only after it wrote a newer one.
    static let attempts = 20

    /// Returns the newest undamaged checkpoint; nil if the folder has no checkpoint at all.
    ///
    /// - Parameter report: receives a sentence about each damaged checkpoint that is newer than the returned one.
    /// - Throws: `CheckpointError` if all checkpoints are damaged, or if one cannot be read and can be intact. `InterchangeError` if the
    ///   folder cannot be listed, or if a later build wrote a checkpoint. The caller must not start over after any of them.
    public func newestValid(report: (String) -> Void) throws -> Checkpoint? {
        var problems: [String] = []
        // Another process can remove a checkpoint between the listing and the reading. The listing is then repeated.
        for _ in 0..<Self.attempts {
            problems = []
            var hasVanished = false
            for (step, path) in try folder.candidates().reversed() {
                let found = try load(at: path)
                if let checkpoint = found.checkpoint {
                    problems.forEach { report("checkpoint \($0)") }
                    intact.insert(checkpoint.step)
                    return checkpoint
                }
                intact.remove(step)
                if try DurableFile.kind(of: path) == nil {
                    hasVanished = true
                    break
                }
                problems.append("\(path) is skipped: \(found.problem ?? "")")
            }
            if !hasVanished { break }
        }
        guard problems.isEmpty else { throw CheckpointError.noneValid(folder: folder.path, problems: problems) }
        return nil
    }

    /// Returns the checkpoint that is marked as the best; nil if there is none or it is damaged.
    ///
    /// - Parameter report: receives a sentence about a damaged checkpoint or a damaged `best.json`.
    public func best(report: (String) -> Void) throws -> Checkpoint? {
        do {
            guard let name = try folder.bestName() else { return nil }
            let path = "\(folder.path)/\(name)"
            let found = try load(at: path)
            if let problem = found.problem { report("checkpoint \(path) is skipped: \(problem)") }
            return found.checkpoint
        } catch InterchangeError.malformed(let path, let reason) {
            report("\(path) is damaged: \(reason)")
            return nil
        }
    }

    /// Marks a checkpoint as the best. `save` never removes it while it is the best.
    public func markBest(_ checkpoint: Checkpoint) throws { try folder.markBest(checkpoint.step) }

    /// Marks the checkpoint of a step as the best.
    public func markBest(step: Int) throws { try folder.markBest(step) }

    /// Reads and validates one checkpoint. Returns the checkpoint, or the problem for which it is skipped.
    func load(at path: String) throws -> (checkpoint: Checkpoint?, problem: String?) {
        do {
            let manifest = try CheckpointManifest.read("\(path)/\(CheckpointManifest.fileName)")
            if let problem = try manifest.problem(in: path) { return (nil, problem) }
            return (Checkpoint(step: manifest.step, folder: path, state: Data(manifest.state.utf8)), nil)
        } catch let error as InterchangeError {
            if case .version = error { throw error }
            if error.isUnreadable { throw CheckpointError.unreadable(folder: path, reason: "\(error)") }
            return (nil, "\(CheckpointManifest.fileName) is missing or damaged (\(error))")
        }
    }

    /// Removes the checkpoints that `keep` later and intact ones replace. The best one stays. A failure is no error: the next save tries
    /// again.
    private func prune() {
        let newest = intact.sorted().suffix(keep)
        // If best.json is unreadable, any checkpoint could be the best, so all of them stay.
        guard newest.count == keep, let oldest = newest.first, let best = try? folder.bestName() ?? "" else { return }
        for step in (try? folder.steps()) ?? [] where step < oldest && CheckpointFolder.name(step) != best {
            try? folder.remove(folder.checkpointPath(step))
            intact.remove(step)
        }
    }
}

/// A reason why a run cannot continue from its checkpoints.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// The folder has checkpoints, and all of them are damaged.
    case noneValid(folder: String, problems: [String])
    /// Another process removed each checkpoint while it was being read.
    case busy(folder: String)
    /// There is no checkpoint of a step.
    case noStep(folder: String, step: Int, steps: [Int])
    /// A checkpoint can be intact, but the operating system did not let it be read.
    case unreadable(folder: String, reason: String)

    public var description: String {
        switch self {
        case .noneValid(let folder, let problems):
            let more = problems.count > 10 ? ["and \(problems.count - 10) more"] : []
            return "\(folder): none of its \(problems.count) checkpoints can be used:\n"
                + (problems.prefix(10) + more).map { "  \($0)" }.joined(separator: "\n")
        case .busy(let folder):
            return "\(folder): another process removed each checkpoint while it was being read; try again, or raise checkpoints.keep"
        case .noStep(let folder, let step, let steps):
            let others = steps.isEmpty ? "it has none" : "it has those of the steps \(Figures.list(steps.map(String.init), limit: 30))"
            return "\(folder) has no checkpoint of step \(step); \(others)"
        case .unreadable(let folder, let reason):
            return "checkpoint \(folder) cannot be read now (\(reason)). It can be intact, so nothing was changed. Try again. To continue "
                + "without this checkpoint, move its folder away"
        }
    }
}
