import Configuration
import DynamicResolution
import Foundation
import Interchange

extension Deployment {
    /// Writes the file durably.
    package func write(to path: String) throws {
        try OutputPath.write(try JSON.encode(self, .indented) + Data("\n".utf8), to: path)
    }

    /// Reads a file and checks that its values fit together. The weights are compared when they are loaded.
    ///
    /// - Throws: `InterchangeError` or `DeploymentError`, which name the file and the problem.
    public static func read(_ path: String) throws -> Deployment {
        struct Kind: Decodable {
            var format: String?
            var version: Int?
        }
        let data = try contents(path)
        let kind = try JSON.decode(Kind.self, from: data, source: path)
        guard kind.format == format, let version = kind.version else {
            throw DeploymentError(path: path, problem: "it is no deployment: 'drnet recommend' writes one")
        }
        guard version <= currentVersion else { throw InterchangeError.version(path: path, found: version, supported: currentVersion) }
        let deployment = try JSON.decode(Deployment.self, from: data, source: path)
        if let problem = deployment.problem { throw DeploymentError(path: path, problem: "it cannot be used: \(problem)") }
        return deployment
    }

    /// A list of 100,000 classes has some megabytes.
    private static let largestFile = 64 << 20

    private static func contents(_ path: String) throws -> Data {
        if (try? DurableFile.kind(of: path)) == .folder {
            throw DeploymentError(path: path, problem: "it is a folder; name the file, such as \(path)/deployment.json")
        }
        guard let data = try DurableFile.read(path, limit: largestFile) else {
            throw DeploymentError(path: path, problem: "it is too large for a deployment")
        }
        return data
    }

    /// Why the values do not fit together; nil if they do.
    private var problem: String? {
        let count = resolutions.count
        guard count > 0, resolutions.allSatisfy({ $0 > 0 }), zip(resolutions, resolutions.dropFirst()).allSatisfy({ $0 > $1 }) else {
            return "resolutions is \(resolutions), not a list of sizes, largest first"
        }
        switch chooser {
        case .fixed:
            guard let resolution, resolutions.contains(resolution) else {
                return "resolution is \(resolution.map(String.init) ?? "missing"), not one of \(resolutions)"
            }
        case .trained, .thresholdCascade:
            guard let costWeight, costWeight.isFinite else { return "costWeight is missing or not finite" }
            if count < 2 { return "chooser is \(chooser.rawValue), which needs two resolutions at least" }
        }
        for costs in [costs.gigaFLOPs, costs.milliseconds].compactMap({ $0 }) {
            let isValid = (costs.classifier + [costs.predictor]).allSatisfy { $0.isFinite && $0 >= 0 } && costs.largest > 0
            guard costs.classifier.count == count, isValid else { return "costs has not one positive number for each resolution" }
        }
        if costs.unit == .milliseconds && costs.milliseconds == nil { return "costs.milliseconds is missing, which decisions weigh" }
        if weights.files[CheckpointFiles.classifier] == nil { return "weights.files has no \(CheckpointFiles.classifier)" }
        return classes.isEmpty ? "classes is empty" : nil
    }

    /// The run folder that a deployment's file names.
    ///
    /// - Parameter file: the path of the file.
    public func runFolder(from file: String) -> RunFolder {
        guard !run.hasPrefix("/") else { return RunFolder(path: run) }
        let parent = DurableFile.parent(of: file)
        return RunFolder(path: run == "." ? parent : "\(parent)/\(run)")
    }

    /// Finds the weights in a run folder, and compares run and weights with this deployment.
    ///
    /// - Parameters:
    ///   - folder: the run folder.
    ///   - configuration: of the run.
    ///   - file: the path of the deployment's file, for messages.
    /// - Throws: `DeploymentError` if the weights are gone or others; `InterchangeError` if they are damaged.
    public func findCheckpoint(in folder: RunFolder, _ configuration: TrainingConfiguration, file: String) throws -> Checkpoint {
        func refusal(_ problem: String) -> DeploymentError {
            DeploymentError(path: file, problem: "\(problem). Run 'drnet recommend \(folder.path)' again, or name the right run")
        }
        guard let checkpoint = try Checkpoint.open(step: weights.step, in: folder.checkpoints) else {
            throw refusal("\(folder.checkpoints) no longer has the checkpoint of step \(weights.step)")
        }
        guard try Self.weights(of: checkpoint) == weights.files else {
            throw refusal("\(checkpoint.folder) has other weights than the deployment was made for (their checksums differ)")
        }
        guard configuration.resolutions == resolutions else {
            throw refusal("it is for the resolutions \(resolutions), and \(folder.path) has \(configuration.resolutions)")
        }
        guard Preprocessing(configuration) == preprocessing else {
            throw refusal("\(folder.configuration) prepares images in another way (data.mean, standardDeviation or resizeRatio)")
        }
        let classes = try checkpoint.decodeState(TrainedState.self).identity.classes
        guard classes == self.classes else {
            throw refusal("\(folder.path) has other classes (\(Figures.difference(classes, from: self.classes)))")
        }
        if chooser == .trained, configuration.decider?.hasNetwork != true {
            throw refusal("it uses a trained decider, and \(folder.path) has none")
        }
        return checkpoint
    }

    /// Finds the checkpoint of the deployment as `findCheckpoint` does, and reads it into memory.
    ///
    /// - Parameters:
    ///   - folder: the run folder.
    ///   - configuration: of the run.
    ///   - file: the path of this deployment, for errors.
    public func readCheckpoint(in folder: RunFolder, _ configuration: TrainingConfiguration, file: String) throws -> CheckpointContents {
        try CheckpointContents(
            reading: try findCheckpoint(in: folder, configuration, file: file), keeping: CheckpointFiles.isOfNetwork)
    }
}

/// A deployment that cannot be used.
public struct DeploymentError: Error, CustomStringConvertible {
    var path: String
    var problem: String

    public var description: String { "\(path): \(problem)" }
}
