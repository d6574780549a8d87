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

    /// Makes the folder and keeps there what the run is made with. On rank 0.
    ///
    /// - Parameters:
    ///   - resume: without it, a folder that holds a run already is refused.
    ///   - cores: which ranks run where.
    public func begin(_ configuration: TrainingConfiguration, resume: Bool, cores: [String], version: String) throws {
        let manager = FileManager.default
        if !resume, manager.fileExists(atPath: checkpoints) || manager.fileExists(atPath: metrics) {
            throw RunFolderError(path: path)
        }
        do {
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw InterchangeError.system(path: path, action: "create the run folder", reason: error.localizedDescription)
        }
        try DurableFile.write(Data(configuration.yaml().utf8), to: self.configuration)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let description = RunEnvironment(
            drnet: version, system: ProcessInfo.processInfo.operatingSystemVersionString, ranks: cores,
            started: ISO8601DateFormatter().string(from: Date()), commandLine: CommandLine.arguments)
        try DurableFile.write(try encoder.encode(description), to: environment)
    }
}

/// What environment.json holds.
struct RunEnvironment: Codable {
    var drnet: String
    var system: String
    /// One line a host.
    var ranks: [String]
    var started: String
    var commandLine: [String]
}

struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, or name another folder with --run-folder"
    }
}
