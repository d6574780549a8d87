import Configuration
import DynamicResolution
import Foundation
import TestSupport
import XCTest

@testable import Inference
@testable import Interchange

/// Reading deployment.json, and refusing what cannot be used.
final class DeploymentTests: XCTestCase {
    private let text = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18, width: 0.125}
        optimizer: {batchSize: 8}
        stages: {warmUp: {epochs: 1, learningRate: {base: 0.1}}}
        """

    private struct State: Codable {
        var identity: RunIdentity
    }

    /// A run folder with one checkpoint whose files hold no real weights.
    private func withRun(_ body: (RunFolder, TrainingConfiguration, Deployment) throws -> Void) throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            try DurableFile.createFolder(folder.path)
            try text.write(toFile: folder.configuration, atomically: true, encoding: .utf8)
            let configuration = try TrainingConfiguration.load(path: folder.configuration, overrides: [])
            let checkpoint = try save(folder, weights: "weights")
            try body(folder, configuration, try deployment(folder, folder.deployment, checkpoint, configuration))
        }
    }

    private func save(_ folder: RunFolder, weights: String, classes: [String] = ["a", "b"]) throws -> Checkpoint {
        let identity = RunIdentity(
            seed: 1, resolutions: [96, 64], classes: classes, trainingImages: 2, imageNames: "", batchSize: 8, accumulationSteps: 1,
            stages: ["warmUp"])
        return try CheckpointStore(folder: folder.checkpoints, keep: 1).save(
            step: 7, state: try JSON.encode(State(identity: identity), .indented),
            files: [
                CheckpointFiles.classifier: { try Data(weights.utf8).write(to: URL(fileURLWithPath: $0)) },
                CheckpointFiles.optimizer: { try Data("momentum".utf8).write(to: URL(fileURLWithPath: $0)) },
            ], isBest: false)
    }

    private func deployment(
        _ folder: RunFolder, _ file: String, _ checkpoint: Checkpoint, _ configuration: TrainingConfiguration
    ) throws -> Deployment {
        let exactly = IntervalEstimate(exactly: 0.5)
        return try Deployment(
            run: folder, file: file, checkpoint, configuration, classes: ["a", "b"], chooser: .thresholdCascade, resolution: nil,
            costWeight: 0.25,
            costs: .init(
                gigaFLOPs: ImageCosts(classifier: [2, 1], predictor: 0, isCascade: true), milliseconds: nil, conditions: nil,
                unit: .multiplyAdds),
            expected: .init(
                images: 10, top1: 0.5, gigaFLOPs: 2, milliseconds: nil,
                crossFitted: .init(
                    top1: exactly, costShare: 1, overLargest: exactly, overRandomMix: exactly, overBestFixed: exactly)))
    }

    func testAFileComesBackAndFindsItsWeights() throws {
        try withRun { folder, configuration, deployment in
            try deployment.write(to: folder.deployment)
            let read = try Deployment.read(folder.deployment)
            XCTAssertEqual(read, deployment)
            XCTAssertEqual(Array(read.weights.files.keys), [CheckpointFiles.classifier], "not the momentum")
            XCTAssertEqual(read.run, ".", "the run can be moved")
            XCTAssertEqual(read.runFolder(from: folder.deployment).path, folder.path)
            XCTAssertEqual(try read.findCheckpoint(in: folder, configuration, file: folder.deployment).step, 7)
            let elsewhere = try self.deployment(folder, "/tmp/other.json", save(folder, weights: "weights"), configuration)
            XCTAssertTrue(elsewhere.run.hasPrefix("/") && elsewhere.run.hasSuffix("/run"), elsewhere.run)
        }
    }

    func testDamagedAndForeignFilesAreRefused() throws {
        try withRun { folder, _, deployment in
            let good = String(decoding: try JSON.encode(deployment, .indented), as: UTF8.self)
            for (old, new, message) in [
                ("\"drnet-deployment\"", "\"drnet-costs\"", "it is no deployment"), ("\"version\" : 1", "\"version\" : 2", "has version 2"),
                ("0.25", "\"nan\"", "costWeight is missing or not finite"), ("\"thresholdCascade\"", "\"fixed\"", "resolution is missing"),
                ("\"thresholdCascade\"", "\"magic\"", "'chooser' is not valid"), ("\"a\",", "", ""), ("{", "", "it is not JSON"),
                ("\"classes\"", "\"klasses\"", "the key 'classes' is missing"),
                ("\n    64\n", "\n    640\n", "not a list of sizes, largest first"),
            ] {
                let range = try XCTUnwrap(good.range(of: old), old)
                try good.replacingCharacters(in: range, with: new).write(toFile: folder.deployment, atomically: true, encoding: .utf8)
                if message.isEmpty {
                    XCTAssertNoThrow(try Deployment.read(folder.deployment), "classes are compared later")
                } else {
                    XCTAssertThrowsError(try Deployment.read(folder.deployment), old) {
                        XCTAssertTrue("\($0)".contains(message) && "\($0)".contains(folder.deployment), "\(old): \($0)")
                    }
                }
            }
            XCTAssertThrowsError(try Deployment.read(folder.path)) { XCTAssertTrue("\($0)".contains("it is a folder"), "\($0)") }
            XCTAssertThrowsError(try Deployment.read(folder.path + "/none.json"))
        }
    }

    func testOtherWeightsClassesAndImagesAreRefused() throws {
        try withRun { folder, configuration, deployment in
            func problem(_ configuration: TrainingConfiguration) -> String {
                do {
                    _ = try deployment.findCheckpoint(in: folder, configuration, file: "d.json")
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            XCTAssertEqual(problem(configuration), "")
            var other = configuration
            other.data.resizeRatios = [1]
            XCTAssertTrue(problem(other).contains("prepares images in another way"), problem(other))
            other = configuration
            other.resolutions = [96, 32]
            XCTAssertTrue(problem(other).contains("it is for the resolutions [96, 64]"), problem(other))
            _ = try save(folder, weights: "weights", classes: ["a", "c"])
            XCTAssertTrue(problem(configuration).contains("has other classes (new: c; missing: b)"), problem(configuration))
            _ = try save(folder, weights: "weightz")
            XCTAssertTrue(problem(configuration).contains("has other weights than the deployment was made for"), problem(configuration))
            XCTAssertTrue(problem(configuration).contains("d.json: "), "the file is named")
            let file = folder.checkpoints + "/step-000000007/" + CheckpointFiles.classifier
            try Data("weightx".utf8).write(to: URL(fileURLWithPath: file))
            XCTAssertTrue(problem(configuration).contains("is damaged"), problem(configuration))
            try FileManager.default.removeItem(atPath: folder.checkpoints + "/step-000000007")
            XCTAssertTrue(problem(configuration).contains("no longer has the checkpoint of step 7"), problem(configuration))
        }
    }
}
