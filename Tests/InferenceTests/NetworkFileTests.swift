import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

final class NetworkFileTests: XCTestCase {
    private func network(resolutionCount: Int?, outputs: Int = 3, seed: UInt64 = 1) -> Network {
        SmallNetworks.predictor(resolutionCount: resolutionCount, outputs: outputs, seed: seed)
    }

    func testANetworkComesBackFromItsFileBitByBit() throws {
        try withTemporaryFolder { folder in
            let (saved, loaded) = (network(resolutionCount: 2), network(resolutionCount: 2, seed: 2))
            XCTAssertFalse(Array(saved.arena.values) == Array(loaded.arena.values))
            try SafetensorsFile.write(NetworkFile.tensors(of: saved), to: folder + "/network.safetensors")
            try NetworkFile.load(folder + "/network.safetensors", into: loaded)
            XCTAssertTrue(Array(saved.arena.values) == Array(loaded.arena.values))
            XCTAssertTrue(Array(saved.arena.runningStatistics) == Array(loaded.arena.runningStatistics))
        }
    }

    func testAPretrainedBatchNormIsCopiedToAllResolutions() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/pretrained.safetensors"
            let plain = network(resolutionCount: nil)
            for parameter in plain.arena.parameters { parameter.values[0] = 7 }
            try SafetensorsFile.write(NetworkFile.tensors(of: plain), to: path)
            let loaded = network(resolutionCount: 3, seed: 5)
            XCTAssertEqual(try NetworkFile.loadPretrained(path, into: loaded), PretrainedResult(notes: [], hasLastLayer: true))
            for parameter in loaded.arena.parameters { XCTAssertEqual(parameter.values[0], 7, parameter.name) }
        }
    }

    func testALastLayerOfOtherClassesIsTrainedAnewAndSaidSo() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/pretrained.safetensors"
            try SafetensorsFile.write(NetworkFile.tensors(of: network(resolutionCount: nil, outputs: 10)), to: path)
            let target = network(resolutionCount: 2)
            let before = target.tensors.filter(\.isOfLastLayer).map { $0.fileValues() }
            let result = try NetworkFile.loadPretrained(path, into: target)
            XCTAssertFalse(result.hasLastLayer)
            XCTAssertTrue(
                result.notes.contains(
                    "\(path): fc.weight has the shape [10, 8], the data needs [3, 8]: the last layer is trained from scratch"),
                "\(result.notes)")
            XCTAssertEqual(target.tensors.filter(\.isOfLastLayer).map { $0.fileValues() }, before)
        }
    }

    func testValuesThatNoNetworkCanUseAreRefusedWithTheirNumber() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/network.safetensors"
            func save(_ change: (inout NamedTensor) -> Void) throws {
                let tensors = NetworkFile.tensors(of: network(resolutionCount: nil)).map { tensor in
                    var tensor = tensor
                    change(&tensor)
                    return tensor
                }
                try SafetensorsFile.write(tensors, to: path)
            }
            func problem(_ load: () throws -> Void) -> String {
                do {
                    try load()
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            let cases: [(String, Float, String)] = [
                ("layer1.0.conv1.weight", .nan, "layer1.0.conv1.weight (2 of 144 NaN or infinite)"),
                ("bn1.bias", -.infinity, "bn1.bias (2 of 4 NaN or infinite)"),
                ("layer2.0.bn1.running_mean", .infinity, "layer2.0.bn1.running_mean (2 of 4 NaN or infinite)"),
                ("layer2.0.bn1.running_var", -1, "layer2.0.bn1.running_var (2 of 4 variances negative)"),
                ("fc.weight", .nan, "fc.weight (2 of 24 NaN or infinite)"),
            ]
            for (name, value, expected) in cases {
                try save { if $0.name == name { ($0.values[0], $0.values[2]) = (value, value) } }
                let messages = [
                    problem { _ = try NetworkFile.loadPretrained(path, into: network(resolutionCount: 2)) },
                    problem { try NetworkFile.load(path, into: network(resolutionCount: nil), requiringFinite: true) },
                ]
                for message in messages {
                    XCTAssertTrue(message.hasPrefix(path) && message.contains(": \(expected)."), "\(name): \(message)")
                }
                // A run's own checkpoint has checksums, and resuming it shows what happened.
                XCTAssertEqual(problem { try NetworkFile.load(path, into: network(resolutionCount: nil)) }, "")
            }
            try save { $0.values[0] = .nan }
            let all = problem { _ = try NetworkFile.loadPretrained(path, into: network(resolutionCount: nil)) }
            let count = network(resolutionCount: nil).tensors.count
            XCTAssertTrue(all.contains(" and \(count - 10) more."), all)
            // A last layer of other classes is not used.
            try SafetensorsFile.write(
                NetworkFile.tensors(of: network(resolutionCount: nil, outputs: 5)).map {
                    $0.name == "fc.bias" ? NamedTensor(name: $0.name, shape: $0.shape, values: [.nan, 0, 0, 0, 0]) : $0
                }, to: path)
            XCTAssertEqual(problem { _ = try NetworkFile.loadPretrained(path, into: network(resolutionCount: nil)) }, "")
        }
    }

    func testWeightsOfZerosAreMentioned() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/network.safetensors"
            try SafetensorsFile.write(
                NetworkFile.tensors(of: network(resolutionCount: nil)).map {
                    $0.name.hasPrefix("layer4") && $0.shape.count == 4
                        ? NamedTensor(name: $0.name, shape: $0.shape, values: $0.values.map { _ in 0 }) : $0
                }, to: path)
            let notes = try NetworkFile.loadPretrained(path, into: network(resolutionCount: nil)).notes
            XCTAssertTrue(
                notes.first?.contains("layer4.0.conv1.weight, layer4.0.conv2.weight, layer4.0.downsample.0.weight are all zero") ?? false,
                "\(notes)")
        }
    }
}

/// Networks of a few thousand parameters.
enum SmallNetworks {
    static func predictor(resolutionCount: Int?, outputs: Int = 3, seed: UInt64 = 1) -> Network {
        make(ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]), resolutionCount, outputs, seed)
    }

    static func backbone(_ name: String, width: Double = 0.125, resolutionCount: Int? = 2, outputs: Int = 3, seed: UInt64 = 1) -> Network {
        make(Backbone(rawValue: name)!.architecture(.init(width: width)), resolutionCount, outputs, seed)
    }

    private static func make(_ architecture: any NetworkArchitecture, _ count: Int?, _ outputs: Int, _ seed: UInt64) -> Network {
        let network = architecture.makeNetwork(outputs: outputs, resolutionCount: count)
        network.arena.initialize(seed: seed, stream: 0)
        return network
    }
}
