import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Inference

final class NetworkFileTests: XCTestCase {
    private func network(resolutionCount: Int?, outputs: Int = 3, seed: UInt64 = 1) -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: outputs, resolutionCount: resolutionCount)
        network.arena.initialize(seed: seed, stream: 0)
        return network
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
            XCTAssertEqual(try NetworkFile.loadPretrained(path, into: loaded), [])
            for parameter in loaded.arena.parameters { XCTAssertEqual(parameter.values[0], 7, parameter.name) }
        }
    }

    func testALastLayerOfOtherClassesIsTrainedAnewAndSaidSo() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/pretrained.safetensors"
            try SafetensorsFile.write(NetworkFile.tensors(of: network(resolutionCount: nil, outputs: 10)), to: path)
            let notes = try NetworkFile.loadPretrained(path, into: network(resolutionCount: 2))
            XCTAssertEqual(notes.count, 2)
            XCTAssertTrue(notes[0].contains("fc.weight"), notes[0])
        }
    }

    func testAFileOfAnotherArchitectureIsRefusedByName() throws {
        try withTemporaryFolder { folder in
            let path = folder + "/other.safetensors"
            try SafetensorsFile.write([NamedTensor(name: "conv1.weight", shape: [1], values: [1])], to: path)
            XCTAssertThrowsError(try NetworkFile.loadPretrained(path, into: network(resolutionCount: 2))) { error in
                XCTAssertTrue("\(error)".contains(path), "\(error)")
            }
        }
    }
}
