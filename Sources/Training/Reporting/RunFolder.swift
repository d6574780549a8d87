import Foundation
import Interchange

/// The folder of a run.
public struct RunFolder: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// The resolved configuration.
    public var configuration: String { path + "/config.yaml" }
    /// Versions, and the ranks on their hosts.
    public var environment: String { path + "/environment.json" }
    public var metrics: String { path + "/metrics.jsonl" }
    public var checkpoints: String { path + "/checkpoints" }
    public var evaluationData: String { path + "/evaluation.json" }
    public var evaluationTable: String { path + "/evaluation.txt" }
    /// The last budget that the run was evaluated at.
    public var budget: String { path + "/budget.json" }

    /// Makes the folder. On rank 0.
    ///
    /// - Parameter resume: without it, a folder that holds a run already is refused.
    public func open(resume: Bool) throws {
        let manager = FileManager.default
        if !resume, manager.fileExists(atPath: checkpoints) || manager.fileExists(atPath: metrics) {
            throw RunFolderError(path: path)
        }
        try DurableFile.createFolder(path)
    }

    /// Keeps what the run is made with; once nothing refuses to go on, since a resumed run's files are changed. On rank 0.
    ///
    /// - Parameters:
    ///   - cores: which ranks run where.
    ///   - version: of the command.
    public func record(_ configuration: TrainingConfiguration, cores: [String], version: String) throws {
        try DurableFile.write(Data(configuration.yaml().utf8), to: self.configuration)
        let earlier = (try? JSON.read([RunEnvironment].self, from: environment)) ?? []
        let starts = earlier + [RunEnvironment(drnet: version, ranks: cores)]
        try JSON.write(starts, to: environment)
    }
}

struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, or name another folder with --run-folder"
    }
}
