import Configuration
import DynamicResolution
import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

/// Files and run folders as teachers.
final class ConfiguredTeacherTests: XCTestCase {
    private let classes = ["a", "b", "c"]

    private func load(_ path: String, _ overrides: [String] = []) throws -> (teacher: ConfiguredTeacher, notes: [String]) {
        let text = """
            resolutions: [64, 32]
            data: {folder: photos}
            classifier: {architecture: resnet18, width: 0.125}
            optimizer: {batchSize: 32}
            distillation: {teacher: "\(path)"}
            stages: {warmUp: {epochs: 1, learningRate: {base: 1}}}
            """
        var notes: [String] = []
        let configuration = try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: overrides)
        return (try ConfiguredTeacher(configuration, classes: classes) { notes.append($0) }, notes)
    }

    private func problem(_ path: String, _ overrides: [String] = []) -> String {
        do {
            _ = try load(path, overrides)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func write(_ network: Network, to path: String) throws {
        try SafetensorsFile.write(NetworkFile.tensors(of: network), to: path)
    }

    /// Writes a checkpoint of a run.
    private func writeRun(_ folder: String, _ network: Network, resolutions: [Int], classes: [String]) throws {
        struct State: Encodable {
            var identity: RunIdentity
        }
        let identity = RunIdentity(
            seed: 1, resolutions: resolutions, classes: classes, trainingImages: 3, imageNames: "", batchSize: 1, accumulationSteps: 1,
            stages: [])
        _ = try CheckpointStore(folder: folder + "/checkpoints", keep: 1).save(
            step: 7, state: try JSON.encode(State(identity: identity), .compact),
            files: [CheckpointFiles.classifier: { try self.write(network, to: $0) }], isBest: false)
    }

    private let images = Tensor(Shape(batch: 2, height: 64, width: 64, channels: 3), Formula.values("images", 2 * 64 * 64 * 3))

    /// The logits of a network for `images` at a size.
    private func logits(_ network: Network, size: Int, resolutionIndex: Int = 0) throws -> [Float] {
        let model = DRNet(
            resolutions: size == 64 ? [64, 32] : [64, size], classifier: network, predictor: nil, predictorInputSize: 32, classCount: 3)
        return try network.forward(
            model.resizing(images, toResolution: size == 64 ? 0 : 1), Pass(.evaluation, resolutionIndex: resolutionIndex)
        ).output.values
    }

    func testArchitectureAndWidthComeFromTheFile() throws {
        try withTemporaryFolder { folder in
            for (name, width) in [("resnet18", 0.125), ("resnet50", 0.25), ("mobilenet_v2", 0.5)] {
                let network = SmallNetworks.backbone(name, width: width, resolutionCount: nil)
                try write(network, to: folder + "/t.safetensors")
                let (teacher, notes) = try load(folder + "/t.safetensors")
                XCTAssertEqual(
                    notes.last,
                    "distillation.teacher: \(folder)/t.safetensors is a \(name) of width \(width); it sees images of 64 pixels")
                XCTAssertEqual(try answers(teacher), try logits(network, size: 64), name)
                let small = try load(folder + "/t.safetensors", ["distillation.resolution=48"]).teacher
                XCTAssertEqual(try answers(small), try logits(network, size: 48), "\(name) at another size")
            }
        }
    }

    private func answers(_ teacher: ConfiguredTeacher) throws -> [Float] { try teacher.teacher.logits(images).values }

    func testTheBatchNormsOfARunAreThoseOfTheClosestResolution() throws {
        try withTemporaryFolder { folder in
            let network = SmallNetworks.backbone("resnet18", resolutionCount: 3)
            for (index, statistic) in network.arena.statistics.enumerated() where statistic.name.hasSuffix("running_var") {
                for element in 0..<statistic.count { statistic.values[element] = 1 + 0.1 * Float(index % 7) }
            }
            try writeRun(folder + "/run", network, resolutions: [96, 64, 32], classes: classes)
            for (size, index) in [(64, 1), (40, 2), (48, 1)] {
                let teacher = try load(folder + "/run", ["distillation.resolution=\(size)"]).teacher
                XCTAssertEqual(try answers(teacher), try logits(network, size: size, resolutionIndex: index), "\(size)")
            }
            XCTAssertNotEqual(
                try logits(network, size: 64, resolutionIndex: 1), try logits(network, size: 64, resolutionIndex: 2), "negative control")
            // Without its checkpoint, nothing says which resolutions the batch norms are for.
            try write(network, to: folder + "/t.safetensors")
            XCTAssertTrue(problem(folder + "/t.safetensors").contains("has batch norms for 3 resolutions, and the file does not say which"))
            try write(SmallNetworks.backbone("resnet18", resolutionCount: 2), to: folder + "/t.safetensors")
            XCTAssertEqual(problem(folder + "/t.safetensors"), "", "as many as the run: its own")
        }
    }

    func testATeacherOfOtherClassesIsRefusedWithWhatToDo() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/t.safetensors"
            try write(SmallNetworks.backbone("resnet18", resolutionCount: nil, outputs: 10), to: path)
            XCTAssertTrue(
                problem(path).hasPrefix(
                    "\(path): distillation.teacher has no last layer for the run's 3 classes (a, b, c). A teacher must"),
                problem(path))
            let network = SmallNetworks.backbone("resnet18", resolutionCount: nil)
            try SafetensorsFile.write(NetworkFile.tensors(of: network).filter { !$0.name.hasPrefix("fc") }, to: path)
            XCTAssertTrue(problem(path).contains("has no last layer for the run's 3 classes"), problem(path))
            try writeRun(folder + "/run", network, resolutions: [64], classes: ["a", "c", "d"])
            XCTAssertTrue(problem(folder + "/run").contains("was trained on other classes (new: d; missing: b)"), problem(folder + "/run"))
            try writeRun(folder + "/order", network, resolutions: [64], classes: ["b", "a", "c"])
            XCTAssertTrue(problem(folder + "/order").contains("other classes (another order)"), problem(folder + "/order"))
        }
    }

    func testAFileThatIsNoTeacherIsRefusedWithTheKeysThatItFits() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/t.safetensors"
            try write(SmallNetworks.backbone("resnet34", resolutionCount: nil), to: path)
            let other = problem(path, ["distillation.architecture=resnet18"])
            XCTAssertTrue(
                other.contains(
                    "distillation.teacher does not fit the network. It fits distillation.architecture resnet34, "
                        + "distillation.width 0.125: set these keys"), other)
            let width = problem(path, ["distillation.width=0.5"])
            XCTAssertTrue(width.contains("It fits distillation.architecture resnet34, distillation.width 0.125"), width)
            try SafetensorsFile.write([NamedTensor(name: "x", shape: [1], values: [1])], to: path)
            XCTAssertTrue(problem(path).hasPrefix("\(path): distillation.teacher: No network of this project fits"), problem(path))
            try write(SmallNetworks.predictor(resolutionCount: nil), to: path)
            XCTAssertTrue(problem(path).contains("so it is a predictor"), problem(path))
            try Data("<!DOCTYPE html>".utf8).write(to: URL(fileURLWithPath: path))
            XCTAssertTrue(problem(path).contains("it is a web page"), problem(path))
            XCTAssertTrue(problem(folder + "/none").contains(folder + "/none"), problem(folder + "/none"))
        }
    }

    func testTheChecksumCoversEveryByteOfTheFile() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/t.safetensors"
            let network = SmallNetworks.backbone("resnet18", resolutionCount: nil)
            try write(network, to: path)
            let first = try load(path).teacher.checksum
            XCTAssertTrue(first.hasPrefix("crc32:"), first)
            try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.safetensors")
            XCTAssertEqual(try load(folder + "/copy.safetensors").teacher.checksum, first)
            network.arena.parameters[3].values[0] += 1e-6
            try write(network, to: path)
            XCTAssertNotEqual(try load(path).teacher.checksum, first)
        }
    }
}
