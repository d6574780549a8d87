import Configuration
import Foundation
import Inference
import Interchange

extension RunFolder {
    /// Creates the folder, takes its lock, and removes what killed processes left. On rank 0.
    ///
    /// - Parameters:
    ///   - start: whether the folder can hold a run already.
    ///   - note: receives sentences for a person.
    /// - Returns: the lock. The caller gives it back at the end.
    /// - Throws: `RunFolderError` if the folder holds a run and `start` is `.new`; `FolderLockError` if another job trains in it.
    public func open(_ start: RunStart, note: (String) -> Void) throws -> FolderLock {
        try DurableFile.createFolder(path)
        let lock = try FolderLock(folder: path, note: note)
        do {
            if try holdsRun() {
                switch start {
                case .new: throw RunFolderError(path: path)
                case .restart: note("the earlier run is in \(try moveAside())")
                case .resume: break
                }
            }
            try DurableFile.removeTemporaries(in: path)
            try CheckpointStore(folder: checkpoints, keep: 1).removeLeftovers()
        } catch {
            lock.release()
            throw error
        }
        lock.describeOwner()
        return lock
    }

    /// Whether the folder holds checkpoints or records.
    func holdsRun() throws -> Bool {
        try [checkpoints, metrics].contains { try DurableFile.kind(of: $0) != nil }
    }

    /// A subfolder that does not exist yet.
    private func earlierFolder() throws -> RunFolder {
        var number = 1
        while try DurableFile.kind(of: "\(path)/earlier-\(number)") != nil { number += 1 }
        return RunFolder(path: "\(path)/earlier-\(number)")
    }

    /// Moves later checkpoints into a new subfolder, with a copy of all records. On rank 0.
    ///
    /// - Parameters:
    ///   - step: checkpoints of later steps are moved.
    ///   - store: of the run.
    ///   - note: receives a sentence for a person.
    func setAside(after step: Int, _ store: CheckpointStore, note: (String) -> Void) throws {
        let target = try earlierFolder()
        if try DurableFile.kind(of: metrics) != nil {
            try DurableFile.createFolder(target.path)
            try DurableFile.write(try DurableFile.read(metrics), to: target.metrics)
        }
        let steps = try store.setAside(after: step, to: target.checkpoints)
        let list = steps.isEmpty ? "no later checkpoints" : "the checkpoints of the steps \(Figures.list(steps.map(String.init)))"
        note("continuing from the checkpoint of step \(step); \(list) and the records so far are in \(target.path)")
    }

    /// Moves all files of a run into a new subfolder, and returns its path.
    private func moveAside() throws -> String {
        let target = try earlierFolder()
        try DurableFile.createFolder(target.path)
        for (from, to) in zip(files, target.files) where try DurableFile.kind(of: from) != nil { try DurableFile.move(from, to: to) }
        return target.path
    }

    /// Writes the configuration, adds this start to environment.json, and archives the crash records of the last start. It changes the
    /// files of a resumed run, so call it after all checks have passed. On rank 0.
    ///
    /// - Parameters:
    ///   - configuration: the text of config.yaml.
    ///   - cores: the map of ranks and cores, one line a host.
    ///   - products: the implementation of matrix products; a later start keeps the record of an earlier one.
    ///   - version: of the command.
    ///   - note: receives a sentence if environment.json is damaged.
    public func record(
        configuration: String, cores: [String], products: ProductsSelection, version: String, note: (String) -> Void
    ) throws {
        try DurableFile.write(Data(configuration.utf8), to: self.configuration)
        if try recordedProducts() != products { try JSON.write(products, to: kernels) }
        let starts = try earlierStarts(note) + [RunEnvironment(drnet: version, ranks: cores)]
        try JSON.write(starts, to: environment)
        archiveCrashes(note)
    }

    /// The starts in environment.json. A damaged file is kept under another name.
    private func earlierStarts(_ note: (String) -> Void) throws -> [RunEnvironment] {
        guard try DurableFile.kind(of: environment) != nil else { return [] }
        do {
            return try JSON.read([RunEnvironment].self, from: environment)
        } catch let error as InterchangeError {
            guard case .malformed = error else { throw error }
            let aside = environment + ".damaged"
            try DurableFile.move(environment, to: aside)
            note("warning: \(error). It is kept as \(aside)")
            return []
        }
    }
}

/// A new run would overwrite another one.
struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, choose another folder with --run-folder, or start over with --restart, "
            + "which keeps the files of the run in a subfolder"
    }
}
