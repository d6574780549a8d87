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

    private static func load(_ file: SafetensorsFile) {
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
