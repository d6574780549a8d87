import Configuration
import DynamicResolution
import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

/// Folders as pretrained weights, and last layers that no stage would train.
final class PretrainedSourceTests: XCTestCase {
    /// Writes a run folder with checkpoints of these steps.
    private func writeRun(_ folder: String, steps: [Int], hasPredictor: Bool = true) throws {
        let store = CheckpointStore(folder: folder + "/checkpoints", keep: 10)
        for step in steps {
            var files: [String: (String) throws -> Void] = [
                CheckpointFiles.classifier: {
                    try SafetensorsFile.write([NamedTensor(name: "x", shape: [1], values: [Float(step)])], to: $0)
                }
            ]
            if hasPredictor { files[CheckpointFiles.predictor] = files[CheckpointFiles.classifier] }
            _ = try store.save(step: step, state: Data("{}".utf8), files: files, isBest: false)
        }
    }

    private func find(_ path: String, _ file: String = CheckpointFiles.classifier) -> (path: String, notes: [String]) {
        var notes: [String] = []
        do {
            return (try PretrainedSource.file(path, file, key: "classifier.pretrained") { notes.append($0) }, notes)
        } catch {
            return ("\(error)", notes)
        }
    }

    func testARunFolderMeansItsNewestValidCheckpoint() throws {
        try withTemporaryFolder { folder in
            let run = folder + "/run"
            try writeRun(run, steps: [5, 9])
            let newest = run + "/checkpoints/step-000000009/classifier.safetensors"
            for path in [run, run + "/", run + "/checkpoints", run + "/checkpoints/step-000000009", newest] {
                XCTAssertEqual(find(path).path, newest, path)
                XCTAssertEqual(find(path).notes, path == newest ? [] : ["classifier.pretrained: \(newest) is used"])
            }
            try Data("damage".utf8).write(to: URL(fileURLWithPath: newest))
            let found = find(run)
            XCTAssertEqual(found.path, run + "/checkpoints/step-000000005/classifier.safetensors")
            XCTAssertTrue(found.notes.first?.contains("step-000000009") ?? false, "\(found.notes)")
            XCTAssertTrue(find(run + "/checkpoints/step-000000009").path.contains("classifier.safetensors"), "names the damaged file")
            XCTAssertNotEqual(find(run + "/checkpoints/step-000000009").path, newest, "a damaged checkpoint that is named is refused")
        }
    }

    func testFoldersWithoutWeightsAreRefusedWithWhatToDo() throws {
        try withTemporaryFolder { folder in
            XCTAssertTrue(
                find(folder).path.hasSuffix(
                    "name a file of weights (safetensors or .pth), the folder of a run, or a checkpoint (step-…)"
                ))
            try Data().write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
            XCTAssertTrue(find(folder).path.hasSuffix("is a folder: name the file, such as \(folder)/model.safetensors"), find(folder).path)
            try writeRun(folder + "/run", steps: [1], hasPredictor: false)
            let warmUp = find(folder + "/run", CheckpointFiles.predictor).path
            XCTAssertTrue(warmUp.contains("is a folder of a checkpoint without predictor.safetensors"), warmUp)
            // What is no folder is opened as a file, which gives the system's reason.
            XCTAssertEqual(find(folder + "/none").path, folder + "/none")
        }
    }

    func testAPartOfAFileFollowsAfterItsPath() throws {
        try withTemporaryFolder { folder in
            for (value, path, part) in [("w.pth", "w.pth", nil), ("w.pth#ema", "w.pth", "ema"), ("a#b/w.pth#", "a#b/w.pth", "")] {
                let split = PretrainedSource.split("\(folder)/\(value)")
                XCTAssertEqual(split.path, "\(folder)/\(path)")
                XCTAssertEqual(split.part, part)
            }
            // What exists is a path.
            try Data().write(to: URL(fileURLWithPath: folder + "/w#1.pth"))
            XCTAssertEqual(PretrainedSource.split(folder + "/w#1.pth").path, folder + "/w#1.pth")
            XCTAssertNil(PretrainedSource.split(folder + "/w#1.pth").part)
            XCTAssertEqual(PretrainedSource.split(folder + "/w#1.pth#ema").path, folder + "/w#1.pth")
        }
    }

    func testALastLayerThatNobodyTrainsIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/w.safetensors"
            let tensors = NetworkFile.tensors(of: SmallNetworks.backbone("resnet18", resolutionCount: nil))
            try SafetensorsFile.write(tensors.filter { !$0.name.hasPrefix("fc") }, to: path)
            let text = """
                resolutions: [64, 32]
                data: {folder: photos}
                classifier: {architecture: resnet18, width: 0.125, pretrained: \(path)}
                predictor: {widths: [4, 4, 4, 8, 8], inputSize: 32}
                optimizer: {batchSize: 32}
                stages: {fineTune: {epochs: 1, learningRate: {base: 1}}}
                """
            func model(_ overrides: String...) throws -> DRNet {
                try DRNet(TrainingConfiguration.load(text: text, path: "run.yaml", overrides: overrides), classCount: 3)
            }
            XCTAssertNoThrow(try model())
            XCTAssertNoThrow(try model("stages.warmUp={epochs: 1, learningRate: {base: 1}}", "stages.fineTune.freeze=classifier"))
            for overrides in [["stages.fineTune.freeze=classifier"], ["stages.fineTune=null", "stages.recalibrate={}"]] {
                let configuration = try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: overrides)
                XCTAssertThrowsError(try DRNet(configuration, classCount: 3)) {
                    XCTAssertTrue("\($0)".contains("has no last layer for this data, and no stage trains one"), "\($0)")
                }
            }
            // A predictor for another number of resolutions.
            try SafetensorsFile.write(NetworkFile.tensors(of: SmallNetworks.predictor(resolutionCount: nil, outputs: 4)), to: path)
            let frozen = try TrainingConfiguration.load(
                text: text, path: "run.yaml",
                overrides: ["classifier.pretrained=null", "predictor.pretrained=\(path)", "stages.fineTune.freeze=predictor"])
            XCTAssertThrowsError(try DRNet(frozen, classCount: 3)) {
                XCTAssertTrue("\($0)".contains("predictor.pretrained has no last layer"), "\($0)")
            }
        }
    }
}
