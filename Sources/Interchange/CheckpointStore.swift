import Foundation
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A checkpoint that is on disk.
public struct Checkpoint {
    public var step: Int
    /// Its folder.
    public var folder: String
    /// What the caller gave as state.
    public var state: Data

    public func path(_ file: String) -> String { "\(folder)/\(file)" }
}

/// A folder of checkpoints, each a folder of its own (`step-000001234`) that appears whole or not at all.
public final class CheckpointStore {
    private let folder: String
    private let keep: Int
    private static let bestFile = "best.json"
    private static let temporaryMark = ".tmp-"

    /// - Parameter keep: how many of the newest are kept, besides the best.
    public init(folder: String, keep: Int) {
        self.folder = folder
        self.keep = max(1, keep)
    }

    /// Writes a checkpoint and removes those that are too many. One of the same step is replaced, and those of later steps go: they
    /// were damaged, and the run went back behind them.
    ///
    /// - Parameter files: writes each file to the path that it is given.
    public func save(
        step: Int, state: Data, files: [String: (String) throws -> Void], isBest: Bool
    ) throws -> Checkpoint {
        try createFolder(folder)
        removeLeftovers()
        let name = Self.name(step)
        let temporary = "\(folder)/\(Self.temporaryMark)\(name)"
        try createFolder(temporary)
        var described: [String: CheckpointManifest.File] = [:]
        for (file, write) in files {
            try write("\(temporary)/\(file)")
            described[file] = CheckpointManifest.describe("\(temporary)/\(file)")
        }
        let manifest = CheckpointManifest(step: step, files: described, state: state)
        try DurableFile.write(json: manifest, to: "\(temporary)/\(CheckpointManifest.fileName)")
        try DurableFile.syncFolder(temporary)
        try move(temporary, to: "\(folder)/\(name)")
        let checkpoint = Checkpoint(step: step, folder: "\(folder)/\(name)", state: state)
        if isBest { try markBest(checkpoint) }
        prune(newest: step)
        return checkpoint
    }

    /// The newest checkpoint of which nothing is damaged; nil where there is none.
    ///
    /// - Parameter report: is told of each damaged one, in a sentence.
    public func newestValid(report: (String) -> Void) throws -> Checkpoint? {
        for step in steps().reversed() {
            if let checkpoint = load(Self.name(step), report: report) { return checkpoint }
        }
        return nil
    }

    /// The checkpoint that was marked as the best; nil where there is none or it is damaged.
    public func best(report: (String) -> Void) throws -> Checkpoint? {
        guard let name = bestName() else { return nil }
        return load(name, report: report)
    }

    public func markBest(_ checkpoint: Checkpoint) throws {
        let text = "{\"checkpoint\": \"\(Self.name(checkpoint.step))\"}\n"
        try DurableFile.write(Data(text.utf8), to: "\(folder)/\(Self.bestFile)")
    }

    private func load(_ name: String, report: (String) -> Void) -> Checkpoint? {
        let path = "\(folder)/\(name)"
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(path)/\(CheckpointManifest.fileName)")),
            let manifest = try? JSONDecoder().decode(CheckpointManifest.self, from: data)
        else {
            report("checkpoint \(path) is skipped: \(CheckpointManifest.fileName) is missing or damaged")
            return nil
        }
        if let problem = manifest.problem(in: path) {
            report("checkpoint \(path) is skipped: \(problem)")
            return nil
        }
        return Checkpoint(step: manifest.step, folder: path, state: Data(manifest.state.utf8))
    }

    // MARK: - The folder

    /// Nine digits, so that names sort as steps do.
    private static func name(_ step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }

    /// Steps of all checkpoints, oldest first.
    private func steps() -> [Int] {
        contents().compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted()
    }

    private func contents() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    private func bestName() -> String? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(Self.bestFile)")) else { return nil }
        return (try? JSONDecoder().decode([String: String].self, from: data))?["checkpoint"]
    }

    private func prune(newest: Int) {
        let best = bestName()
        let steps = steps()
        let tooMany = steps.filter { $0 <= newest }.dropLast(keep).filter { Self.name($0) != best }
        for step in tooMany + steps.filter({ $0 > newest }) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(Self.name(step))")
        }
    }

    /// What a kill left half-written.
    private func removeLeftovers() {
        for name in contents() where name.hasPrefix(Self.temporaryMark) {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    private func createFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw InterchangeError.system(path: path, action: "create the folder", reason: error.localizedDescription)
        }
    }

    /// Renames a finished folder; one of the same name goes first, under a name that counts as a leftover.
    private func move(_ temporary: String, to path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            let replaced = "\(folder)/\(Self.temporaryMark)replaced"
            guard rename(path, replaced) == 0 else { throw DurableFile.failure(path, "replace the checkpoint") }
        }
        guard rename(temporary, path) == 0 else { throw DurableFile.failure(path, "rename the checkpoint to it") }
        try DurableFile.syncFolder(folder)
        removeLeftovers()
    }
}
