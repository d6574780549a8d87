import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

/// Weight files as people have them: with prefixes, without a last layer, of another network.
final class PretrainedFileTests: XCTestCase {
    /// Loads a file with a network's tensors, after a change of the list, into another network.
    private func load(
        _ source: Network, into target: Network, key: String = "classifier.pretrained", part: String? = nil,
        _ change: ([NamedTensor]) -> [NamedTensor]
    ) throws -> PretrainedResult {
        try withTemporaryFolder { folder in
            try SafetensorsFile.write(change(NetworkFile.tensors(of: source)), to: folder + "/w.safetensors")
            let result = try NetworkFile.loadPretrained(folder + "/w.safetensors", into: target, key: key, part: part)
            return PretrainedResult(
                notes: result.notes.map { $0.replacingOccurrences(of: folder + "/", with: "") }, hasLastLayer: result.hasLastLayer)
        }
    }

    private func problem(
        _ source: Network, into target: Network, key: String = "classifier.pretrained", part: String? = nil,
        _ change: ([NamedTensor]) -> [NamedTensor] = { $0 }
    ) -> String {
        do {
            _ = try load(source, into: target, key: key, part: part, change)
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func renamed(_ tensors: [NamedTensor], _ name: (String) -> String) -> [NamedTensor] {
        tensors.map { NamedTensor(name: name($0.name), shape: $0.shape, values: $0.values) }
    }

    /// The first value of each tensor, by name.
    private func values(_ network: Network) -> [String: [Float]] {
        Dictionary(uniqueKeysWithValues: network.tensors.map { ($0.name, $0.fileValues()) })
    }

    func testPrefixesAreLeftOutWhateverTheyAre() throws {
        for name in ["resnet18", "mobilenet_v2", "mobilenet_v3_small"] {
            let source = SmallNetworks.backbone(name, resolutionCount: nil)
            for prefix in [
                "module.", "model.", "backbone.", "_orig_mod.", "state_dict.", "net.", "network.", "encoder.", "classifier.", "student.",
                "module._orig_mod.backbone.", "model.0.", "learner.my-net.body.", "features.", "module.module.",
            ] {
                let target = SmallNetworks.backbone(name, resolutionCount: nil, seed: 2)
                let result = try load(source, into: target) { renamed($0) { prefix + $0 } }
                XCTAssertTrue(result.hasLastLayer, prefix)
                XCTAssertEqual(values(target), values(source), "\(name) \(prefix)")
                XCTAssertEqual(result.notes, ["w.safetensors: the prefix '\(prefix)' of its names is left out"])
            }
        }
    }

    func testWrappersBetweenTheNamesAreLeftOut() throws {
        let source = SmallNetworks.backbone("resnet18", resolutionCount: nil)
        let target = SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 2)
        let result = try load(source, into: target) {
            renamed($0) { $0.replacingOccurrences(of: "layer1.0.", with: "layer1._checkpoint_wrapped_module.0._orig_mod.") }
        }
        XCTAssertEqual(result, PretrainedResult(notes: [], hasLastLayer: true))
        XCTAssertEqual(values(target), values(source))
    }

    func testTheLastLayerIsFoundOutsideOfTheBackbone() throws {
        let source = SmallNetworks.backbone("resnet18", resolutionCount: nil)
        for (own, layer) in [("backbone.", "head."), ("model.backbone.", "model.fc."), ("backbone.", "head.fc."), ("", "classifier.")] {
            let target = SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 2)
            let result = try load(source, into: target) {
                renamed($0) { $0.hasPrefix("fc.") ? layer + $0.dropFirst(3) : own + $0 }
            }
            XCTAssertEqual(values(target), values(source), layer)
            XCTAssertTrue(result.notes.contains("w.safetensors: the last layer is \(layer.dropLast())"), "\(result.notes)")
        }
        // A 1×1 convolution is the same layer.
        let target = SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 2)
        let result = try load(source, into: target) { tensors in
            tensors.map { $0.name == "fc.weight" ? NamedTensor(name: $0.name, shape: $0.shape + [1, 1], values: $0.values) : $0 }
        }
        XCTAssertEqual(result, PretrainedResult(notes: [], hasLastLayer: true))
        XCTAssertEqual(values(target), values(source))
    }

    func testABackboneWithoutALastLayerKeepsTheInitialOne() throws {
        for (name, layer) in [("resnet18", "fc"), ("mobilenet_v2", "classifier.1"), ("mobilenet_v3_small", "classifier.3")] {
            let source = SmallNetworks.backbone(name, resolutionCount: nil)
            for removed in [["weight", "bias"], ["bias"]] {
                let target = SmallNetworks.backbone(name, resolutionCount: 3, seed: 2)
                let before = values(target)
                let result = try load(source, into: target) {
                    $0.filter { tensor in !removed.contains { tensor.name == "\(layer).\($0)" } }
                }
                XCTAssertFalse(result.hasLastLayer)
                XCTAssertEqual(
                    result.notes.first,
                    "w.safetensors: has no last layer (\(layer).weight, \(layer).bias): the last layer is trained from scratch")
                XCTAssertEqual(values(target)["\(layer).weight"], before["\(layer).weight"])
                XCTAssertEqual(values(target)["\(layer).bias"], before["\(layer).bias"])
                let first = try XCTUnwrap(source.tensors.first)
                XCTAssertEqual(values(target)[first.name], first.fileValues())
            }
        }
    }

    func testAnAverageBesideTheNetworkIsUsedUnlessAPartIsChosen() throws {
        let (source, average) = (
            SmallNetworks.backbone("resnet18", resolutionCount: nil), SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 9)
        )
        func both(_ first: String, _ second: String) -> ([NamedTensor]) -> [NamedTensor] {
            { self.renamed($0) { first + $0 } + self.renamed(NetworkFile.tensors(of: average)) { second + $0 } }
        }
        for (first, second) in [("model.", "model_ema."), ("state_dict.", "state_dict_ema."), ("net.", "ema.module."), ("", "swa.")] {
            let target = SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 2)
            let result = try load(source, into: target, both(first, second))
            XCTAssertEqual(values(target), values(average), first)
            let note = result.notes.first ?? ""
            XCTAssertTrue(note.contains("the file has several networks: '"), note)
            XCTAssertTrue(note.contains(", an average of the weights, is used, "), note)
            XCTAssertTrue(note.contains("classifier.pretrained: w.safetensors#\(first.dropLast()) takes the other"), note)
            XCTAssertTrue(result.notes.last?.contains("not used (\(source.tensors.count)): ") ?? false, "\(result.notes)")
            for (part, expected) in [(first, source), (second, average)] {
                let target = SmallNetworks.backbone("resnet18", resolutionCount: nil, seed: 2)
                let result = try load(source, into: target, part: String(part.dropLast()), both(first, second))
                XCTAssertEqual(values(target), values(expected), part)
                XCTAssertFalse(result.notes.contains { $0.contains("several networks") }, "\(result.notes)")
            }
        }
        let none = problem(source, into: SmallNetworks.backbone("resnet18"), part: "teacher", both("model.", "model_ema."))
        XCTAssertTrue(none.contains("has no network with the prefix 'teacher'. The prefixes of networks in it: 'model', 'model_ema'"), none)
        for (first, second) in [("student.", "teacher."), ("model_ema.", "swa.")] {
            let message = problem(source, into: SmallNetworks.backbone("resnet18"), both(first, second))
            let names = [first, second].map { "'\($0.dropLast())'" }.sorted { ($0.count, $0) < ($1.count, $1) }
            XCTAssertTrue(message.contains("has several networks that fit, with the prefixes \(names.joined(separator: ", "))"), message)
            XCTAssertTrue(message.contains("Choose one of them: "), message)
        }
        let clash = problem(source, into: SmallNetworks.backbone("resnet18"), both("", "module."))
        XCTAssertTrue(clash.contains("has the same tensor twice: bn1.bias and module.bn1.bias"), clash)
    }

    func testAFileOfAnotherNetworkIsRefusedWithAllDifferencesAndAHint() throws {
        func backbone(_ name: String, width: Double = 0.125) -> Network { SmallNetworks.backbone(name, width: width, resolutionCount: nil) }
        let cases: [(Network, Network, [String])] = [
            (
                backbone("resnet50"), backbone("resnet18"),
                [
                    "layer1.0.conv1.weight [8, 8, 1, 1] in place of [8, 8, 3, 3]",
                    "It fits classifier.architecture resnet50, classifier.width 0.125",
                ]
            ),
            (
                // All tensors of the smaller network are in the file.
                backbone("resnet34"), backbone("resnet18"),
                [
                    "unknown (80): module.layer1.2.bn1.bias", "and 70 more",
                    "It fits classifier.architecture resnet34, classifier.width 0.125",
                ]
            ),
            (backbone("resnet18"), backbone("resnet34"), ["missing (80): layer1.2.conv1.weight", "resnet18, classifier.width 0.125"]),
            (
                backbone("mobilenet_v2"), backbone("resnet18"),
                [
                    "missing (100): conv1.weight", "unknown (260): module.features.0.0.weight",
                    "It fits classifier.architecture mobilenet_v2, classifier.width 0.125",
                ]
            ),
            (backbone("resnet18", width: 0.25), backbone("resnet18"), ["of another shape (", "resnet18, classifier.width 0.25"]),
            (
                SmallNetworks.predictor(resolutionCount: nil), backbone("resnet18"),
                ["It fits predictor.widths [4, 4, 4, 8, 8], so it is a predictor"]
            ),
        ]
        for (source, target, expected) in cases {
            let message = problem(source, into: target) { renamed($0) { "module." + $0 } }
            for text in expected { XCTAssertTrue(message.contains(text), "\(text): \(message)") }
            XCTAssertLessThanOrEqual(message.split(separator: "\n").count, 4, message)
        }
        let foreign = problem(backbone("resnet18"), into: backbone("resnet18")) { _ in
            [NamedTensor(name: "blocks.0.weight", shape: [1], values: [1])]
        }
        XCTAssertTrue(foreign.contains("No network of this project fits: it takes torchvision's and timm's names (resnet18, "), foreign)
        XCTAssertTrue(foreign.contains("w.safetensors: classifier.pretrained does not fit the network"), foreign)
        let empty = problem(backbone("resnet18"), into: backbone("resnet18")) { _ in [] }
        XCTAssertTrue(empty.contains("missing (100): "), empty)
    }

    func testBatchNormsOfAnotherNumberOfResolutionsAreRefused() throws {
        func network(_ count: Int?, _ seed: UInt64 = 1) -> Network {
            SmallNetworks.backbone("resnet18", resolutionCount: count, seed: seed)
        }
        for (source, target) in [(3, 2), (2, 3), (4, 1)] {
            let message = problem(network(source), into: network(target))
            XCTAssertTrue(message.contains("has batch norms for \(source) resolutions, and the configuration has \(target)"), message)
        }
        let plain = problem(network(2), into: network(nil))
        XCTAssertTrue(plain.contains("has batch norms for 2 resolutions, and this network has plain ones"), plain)
        // Batch norms of one resolution are as good as plain ones.
        let target = network(3, 2)
        XCTAssertEqual(try load(network(1), into: target) { $0 }.notes, [])
        XCTAssertEqual(values(target)["bn1.2.weight"], values(network(1))["bn1.0.weight"])
        let missing = problem(network(2), into: network(2)) { $0.filter { $0.name != "layer3.0.bn2.1.bias" } }
        XCTAssertTrue(missing.contains("missing (1): layer3.0.bn2.1.bias"), missing)
    }

    func testElementTypesMatterOnlyForTensorsThatAreUsed() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/w.safetensors"
            try SafetensorsFile.write(NetworkFile.tensors(of: SmallNetworks.predictor(resolutionCount: nil)), to: path)
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            func rewrite(_ name: String, _ type: String) throws {
                let length = Int(whole[0]) | Int(whole[1]) << 8
                let header = String(decoding: whole[8..<8 + length], as: UTF8.self)
                let start = header.range(of: "\"\(name)\":")!.upperBound
                let changed = header.replacingOccurrences(
                    of: "\"dtype\":\"F32\"", with: "\"dtype\":\"\(type)\"",
                    range: start..<header.range(of: "}", range: start..<header.endIndex)!.lowerBound)
                var data = Data((0..<8).map { UInt8(truncatingIfNeeded: changed.utf8.count >> (8 * $0)) })
                data.append(Data(changed.utf8))
                data.append(whole[(8 + length)...])
                try data.write(to: URL(fileURLWithPath: path))
            }
            try rewrite("bn1.weight", "F8_E4M3")
            XCTAssertThrowsError(try NetworkFile.loadPretrained(path, into: SmallNetworks.predictor(resolutionCount: nil))) {
                XCTAssertTrue("\($0)".contains("the elements of bn1.weight are F8_E4M3; F32, "), "\($0)")
            }
            try rewrite("fc.weight", "C64")
            let target = SmallNetworks.predictor(resolutionCount: nil, outputs: 4)
            XCTAssertFalse(try NetworkFile.loadPretrained(path, into: target).hasLastLayer)
        }
    }
}
