extension CheckpointStore {
    /// Returns the newest undamaged checkpoint of an earlier step; nil if there is none.
    ///
    /// - Parameter step: the checkpoint's step is smaller.
    package func newestValid(before step: Int) throws -> Checkpoint? {
        for candidate in try folder.candidates().reversed() where candidate.step < step {
            if let checkpoint = try load(at: candidate.path).checkpoint { return checkpoint }
        }
        return nil
    }

    /// Returns the checkpoint of a step.
    ///
    /// - Throws: `CheckpointError.noStep` if there is none; `InterchangeError` if it is damaged or cannot be read.
    package func checkpoint(step: Int) throws -> Checkpoint {
        let steps = try folder.candidates().map(\.step)
        guard let checkpoint = try Checkpoint.open(step: step, in: folder.path) else {
            throw CheckpointError.noStep(folder: folder.path, step: step, steps: steps)
        }
        return checkpoint
    }

    /// The step of the checkpoint that is marked as the best; nil if there is none.
    package func bestStep() throws -> Int? { try folder.bestName().flatMap(CheckpointFolder.step) }

    /// Moves the checkpoints of later steps into another folder of the same file system, the newest first, and the mark of the best with
    /// them if it names one of them.
    ///
    /// - Parameters:
    ///   - step: the checkpoints of later steps are moved.
    ///   - target: the folder; it is made if it does not exist.
    /// - Returns: the steps that were moved.
    package func setAside(after step: Int, to target: String) throws -> [Int] {
        let later = try folder.steps().filter { $0 > step }
        guard !later.isEmpty else { return [] }
        try DurableFile.createFolder(target)
        if let best = try bestStep(), best > step { try DurableFile.move(folder.bestPath, to: "\(target)/best.json") }
        for other in later.reversed() {
            try DurableFile.move(folder.checkpointPath(other), to: "\(target)/\(CheckpointFolder.name(other))")
        }
        return later
    }
}
