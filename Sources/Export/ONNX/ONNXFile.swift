import Foundation
import Interchange
import SwiftProtobuf

/// A model file of ONNX.
enum ONNXFile {
    /// The version of the operators. 17 has all that are used, and more runtimes read it than later ones.
    static let operatorSet = 17
    /// The version of the format that belongs to the operators.
    static let formatVersion = 8
    /// A message of Protocol Buffers has at most 2 GiB.
    static let largestFile = Int(Int32.max)

    /// Writes a model durably.
    ///
    /// - Parameters:
    ///   - graph: the whole model.
    ///   - metadata: of the network.
    ///   - path: of the file.
    /// - Throws: `ExportError.tooLarge`, or an error that names the file.
    static func write(_ graph: ONNXGraph, _ metadata: ExportMetadata, to path: String) throws {
        try OutputPath.write(try data(graph, metadata, path: path), to: path)
    }

    /// The bytes of a model.
    ///
    /// - Parameters:
    ///   - graph: the whole model.
    ///   - metadata: of the network.
    ///   - path: of the file, for errors.
    ///   - limit: of the file's size in bytes.
    static func data(_ graph: ONNXGraph, _ metadata: ExportMetadata, path: String, limit: Int = largestFile) throws -> Data {
        let bytes = constantBytes(graph)
        // Nodes, names and metadata have less than a sixteenth of the limit.
        guard bytes < limit / 16 * 15 else { throw ExportError.tooLarge(path: path, bytes: bytes) }
        let properties = try metadata.properties()
        let model = ONNXModel.with {
            $0.irVersion = Int64(formatVersion)
            $0.producerName = "drnet"
            $0.producerVersion = metadata.provenance.program
            $0.docString = "A dynamic resolution network. Input: \(metadata.input)"
            $0.graph = graph
            $0.opsetImport = [.with { $0.version = Int64(operatorSet) }]
            $0.metadataProps = properties.map { property in
                .with {
                    $0.key = property.key
                    $0.value = property.value
                }
            }
        }
        return try model.serializedData()
    }

    private static func constantBytes(_ graph: ONNXGraph) -> Int {
        graph.initializer.reduce(0) { $0 + $1.rawData.count }
            + graph.node.flatMap(\.attribute).filter(\.hasG).reduce(0) { $0 + constantBytes($1.g) }
    }
}

/// A network that cannot be exported.
enum ExportError: Error, CustomStringConvertible {
    case tooLarge(path: String, bytes: Int)

    var description: String {
        switch self {
        case .tooLarge(let path, let bytes):
            return "\(path): the constants have \(bytes >> 20) MiB, and a file of ONNX has less than 2048 MiB. Export with --format "
                + "onnx-parts, which has a file for each resolution, or with --format pytorch"
        }
    }
}
