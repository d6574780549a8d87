import Foundation

@testable import Export

/// A value of a graph, row-major. All element types are held as doubles; integers and booleans are exact.
struct GraphValue: Equatable {
    var shape: [Int]
    var numbers: [Double]

    init(_ shape: [Int], _ numbers: [Double]) {
        precondition(numbers.count == shape.reduce(1, *), "\(numbers.count) numbers for the shape \(shape)")
        (self.shape, self.numbers) = (shape, numbers)
    }

    var integers: [Int] { numbers.map { Int($0) } }
    /// Elements from one index of an axis to the next.
    var strides: [Int] { shape.indices.map { shape[($0 + 1)...].reduce(1, *) } }

    init(_ constant: ONNXTensor) {
        let bytes = [UInt8](constant.rawData)
        let numbers: [Double] = bytes.withUnsafeBytes { bytes in
            constant.dataType == .float
                ? (0..<bytes.count / 4).map { Double(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
                : (0..<bytes.count / 8).map { Double(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
        }
        self.init(constant.dims.map { Int($0) }, numbers)
    }
}

/// Computes a graph by the definitions of ONNX's operators, in double precision and slowly: the reference for what a runtime computes.
struct GraphInterpreter {
    struct Problem: Error {
        let description: String
    }

    private var values: [String: GraphValue]

    /// The outputs of a graph by their names.
    ///
    /// - Parameters:
    ///   - graph: a graph or a branch.
    ///   - inputs: the graph's inputs, and the values of the graphs around it.
    static func outputs(of graph: ONNXGraph, _ inputs: [String: GraphValue]) throws -> [String: GraphValue] {
        var interpreter = GraphInterpreter(values: inputs)
        for constant in graph.initializer { interpreter.values[constant.name] = GraphValue(constant) }
        for node in graph.node { try interpreter.run(node) }
        return try Dictionary(uniqueKeysWithValues: graph.output.map { ($0.name, try interpreter.value($0.name)) })
    }

    private func value(_ name: String) throws -> GraphValue {
        guard let value = values[name] else { throw Problem(description: "\(name) has no value") }
        return value
    }

    private mutating func run(_ node: ONNXNode) throws {
        if node.opType == "If" {
            let branch = try value(node.input[0]).numbers[0] != 0 ? "then_branch" : "else_branch"
            guard let graph = node.attribute.first(where: { $0.name == branch })?.g else {
                throw Problem(description: "\(node.name) has no \(branch)")
            }
            values[node.output[0]] = try Self.outputs(of: graph, values)[graph.output[0].name]
            return
        }
        let operation = GraphOperation(node, try node.input.map(value))
        guard let result = operation.result else { throw Problem(description: "\(node.name) is of the unknown type \(node.opType)") }
        // Nothing reads the second output of TopK.
        values[node.output[0]] = result
    }
}
