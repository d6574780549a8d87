import Foundation
import Inference
import Interchange
import NeuralNetwork

extension FuzzTarget {
    /// The header of a safetensors file, the kind of any other file, the element types, and the fit into a network.
    static let safetensors = FuzzTarget(
        name: "safetensors",
        seeds: {
            let whole = NetworkFile.tensors(of: network())
            let small = Array(whole.prefix(3))
            return [
                file(whole), file(small.map { ("F16", $0.name, $0.shape, 2) }),
                file(small.map { ("F8_E4M3", "module.\($0.name)", $0.shape, 1) }),
                Array("version https://git-lfs.github.com/spec/v1\n".utf8), [0x50, 0x4B, 3, 4] + Array("archive/data.pkl".utf8),
                Array("<!DOCTYPE html>".utf8), Array("{\"weight_map\": {}}".utf8), [0x80, 2], [0x1F, 0x8B], [8, 8, 0x12, 7],
            ]
        },
        run: { bytes in
            guard let file = attempt({ try SafetensorsFile(Data(bytes), path: "fuzz.safetensors") }) else { return }
            for name in file.names {
                let values = attempt { try file.floats(of: name) }
                let shape = attempt { try file.shape(of: name) } ?? []
                precondition(values == nil || values?.count == shape.reduce(1, *), name)
            }
            load(file)
        })

    /// A PyTorch checkpoint: the zip directory, the pickle, and the tensors. An input without a zip directory is a pickle, which is put
    /// into an archive with storages of zeros, so that a fuzzer reaches the pickle's operations.
    static let checkpoint = FuzzTarget(
        name: "checkpoint",
        seeds: {
            let checkpoints = try files(in: "Tests/Fixtures/pytorch", [".pth", ".pt"])
            // The pickle is the first entry of an archive.
            let pickles = checkpoints.filter { $0.starts(with: [0x50, 0x4B]) }.map { file in
                func number(_ position: Int, _ size: Int) -> Int { (0..<size).reduce(0) { $0 | Int(file[position + $1]) << (8 * $1) } }
                let start = 30 + number(26, 2) + number(28, 2)
                return Array(file[start...].prefix(4096))
            }
            return checkpoints + pickles
        },
        run: { bytes in
            let isArchive = bytes.starts(with: [0x50, 0x4B])
            if !isArchive { check(attempt { try PyTorchFile(Data(checkpoint(pickle: bytes)), path: "fuzz.pth") }) }
            check(attempt { try TensorFiles.open(Data(bytes), path: "fuzz.pth") })
        })

    private static func check(_ file: (any TensorFile)?) {
        guard let file else { return }
        for name in file.names {
            let values = attempt { try file.floats(of: name) }
            let shape = attempt { try file.shape(of: name) } ?? []
            precondition(values == nil || values?.count == shape.reduce(1, *), name)
        }
        load(file)
    }

    /// Storages beside a pickle. The fixtures have up to 12.
    private static let storageCount = 12

    /// A zip archive with a pickle and storages, without compression.
    private static func checkpoint(pickle: [UInt8]) -> [UInt8] {
        func number(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        var (bytes, directory): ([UInt8], [UInt8]) = ([], [])
        let storages = (0..<storageCount).map { ("w/data/\($0)", [UInt8](repeating: 0, count: 192)) }
        for (name, data) in [("w/data.pkl", pickle)] + storages {
            let checksum = data.withUnsafeBytes { CRC32($0).value }
            let sizes = number(Int(checksum), 4) + number(data.count, 4) + number(data.count, 4) + number(name.utf8.count, 2)
            directory += [0x50, 0x4B, 1, 2] + number(0, 12) + sizes + number(0, 12) + number(bytes.count, 4) + Array(name.utf8)
            bytes += [0x50, 0x4B, 3, 4] + number(0, 10) + sizes + number(0, 2) + Array(name.utf8) + data
        }
        let end =
            number(0, 4) + number(storageCount + 1, 2) + number(storageCount + 1, 2) + number(directory.count, 4) + number(bytes.count, 4)
            + number(0, 2)
        return bytes + directory + [0x50, 0x4B, 5, 6] + end
    }

    /// Names of tensors, one a line: prefixes, wrappers, indices of resolutions.
    static let names = FuzzTarget(
        name: "names",
        seeds: {
            let names = network().tensors.map(\.name)
            return ["", "module.", "model_ema.", "a.b._orig_mod."].map { prefix in
                Array(names.map { prefix + $0 }.joined(separator: "\n").utf8)
            } + [Array(names.map { $0.replacingOccurrences(of: "bn1.", with: "bn1.0.") }.joined(separator: "\n").utf8)]
        },
        run: { bytes in
            let shapes = Dictionary(uniqueKeysWithValues: network().tensors.map { ($0.name, $0.fileShape) })
            let names = Set(bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }).filter { $0 != "__metadata__" }
            // A name that ends with a network's name has its shape.
            let tensors = names.sorted().prefix(500).map { name in
                ("U8", name, shapes.first { name.hasSuffix($0.key) }?.value ?? [1], 1)
            }
            guard let file = attempt({ try SafetensorsFile(Data(Self.file(tensors)), path: "fuzz.safetensors") }) else { return }
            load(file)
        })

    private static func network() -> Network {
        ResNet.Architecture(predictorWidths: [1, 1, 1, 1, 2]).makeNetwork(outputs: 2, resolutionCount: nil)
    }

    private static func load(_ file: any TensorFile) {
        for count in [nil, 2] {
            let target = ResNet.Architecture(predictorWidths: [1, 1, 1, 1, 2]).makeNetwork(outputs: 2, resolutionCount: count)
            let result = attempt {
                try NetworkFile.loadPretrained(file, path: "fuzz.safetensors", into: target, key: "classifier.pretrained")
            }
            // What was loaded is usable.
            precondition(result == nil || target.tensors.allSatisfy { $0.fileValues().allSatisfy(\.isFinite) })
        }
    }

    private static func file(_ tensors: [NamedTensor]) -> [UInt8] { file(tensors.map { ("F32", $0.name, $0.shape, 4) }) }

    /// A safetensors file with zeros.
    private static func file(_ tensors: [(type: String, name: String, shape: [Int], bytes: Int)]) -> [UInt8] {
        var header: [String: Any] = [:]
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.shape.reduce(tensor.bytes, *)
            header[tensor.name] = ["dtype": tensor.type, "shape": tensor.shape, "data_offsets": [offset, end]]
            offset = end
        }
        guard let json = try? JSONSerialization.data(withJSONObject: header, options: .sortedKeys) else { fatalError("no JSON") }
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json + [UInt8](repeating: 0, count: offset)
    }
}
