import Configuration
import Inference
import Foundation
import Interchange

extension RunFolder {
    /// Makes the folder. On rank 0.
    ///
    /// - Parameter resume: without it, a folder that holds a run already is refused.
    public func open(resume: Bool) throws {
        let manager = FileManager.default
        if !resume, manager.fileExists(atPath: checkpoints) || manager.fileExists(atPath: metrics) {
            throw RunFolderError(path: path)
        }
        do {
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw InterchangeError.system(path: path, action: "create the run folder", reason: error.localizedDescription)
        }
    }

    /// Keeps what the run is made with; once nothing refuses to go on, since a resumed run's files are changed. On rank 0.
    ///
    /// - Parameters:
    ///   - cores: which ranks run where.
    ///   - version: of the command.
    public func record(_ configuration: TrainingConfiguration, cores: [String], version: String) throws {
        try DurableFile.write(Data(configuration.yaml().utf8), to: self.configuration)
        let earlier =
            FileManager.default.contents(atPath: environment)
            .flatMap { try? JSONDecoder().decode([RunEnvironment].self, from: $0) } ?? []
        let starts = earlier + [RunEnvironment(drnet: version, ranks: cores)]
        try DurableFile.write(json: starts, to: environment)
    }
}

struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, or name another folder with --run-folder"
    }
}
