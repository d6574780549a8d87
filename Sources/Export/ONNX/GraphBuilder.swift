import Foundation

/// Builds a graph of ONNX, node by node. Names are unique in a model, subgraphs included: a subgraph has a prefix of its own.
final class GraphBuilder {
    /// Starts the names of all values and nodes of this graph.
    let prefix: String
    private var graph = ONNXGraph()
    private var names: Set<String> = []

    init(_ name: String, prefix: String) {
        self.prefix = prefix
        graph.name = name
    }

    /// Adds a node with one output.
    ///
    /// - Parameters:
    ///   - type: the operator.
    ///   - name: of the output, after the prefix. Each name is used once.
    ///   - inputs: names of values.
    ///   - attributes: of the operator.
    /// - Returns: the name of the output.
    func node(_ type: String, _ name: String, _ inputs: [String], _ attributes: [ONNXAttribute] = []) -> String {
        let output = unique(name)
        append(type, output, inputs, [output], attributes)
        return output
    }

    /// Adds a node that writes a value whose name is given.
    func node(_ type: String, _ inputs: [String], into output: String) { append(type, unique("output/\(output)"), inputs, [output], []) }

    /// Adds a node with one output, of which readers see the second of two: `TopK` and its like.
    private func append(_ type: String, _ name: String, _ inputs: [String], _ outputs: [String], _ attributes: [ONNXAttribute]) {
        graph.node.append(
            .with {
                $0.opType = type
                $0.name = name
                $0.input = inputs
                $0.output = outputs
                $0.attribute = attributes
            })
    }

    /// Adds the largest values along the last axis, in descending order.
    func largest(_ name: String, _ input: String, count: Int) -> String {
        let output = unique(name)
        append("TopK", output, [input, integers("\(name).count", [count])], [output, unique("\(name).indices")], [])
        return output
    }

    /// Adds a constant.
    ///
    /// - Parameters:
    ///   - name: after the prefix.
    ///   - shape: [] for a scalar.
    ///   - values: row-major.
    /// - Returns: its name.
    func floats(_ name: String, shape: [Int], _ values: [Float]) -> String {
        precondition(values.count == shape.reduce(1, *), "\(name): \(values.count) values for the shape \(shape)")
        return constant(name, .float, shape, values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
    }

    /// Adds a vector of integers, or a scalar with `isScalar`.
    func integers(_ name: String, _ values: [Int], isScalar: Bool = false) -> String {
        constant(name, .int64, isScalar ? [] : [values.count], values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) })
    }

    private func constant(_ name: String, _ type: ONNXElementType, _ shape: [Int], _ bytes: Data) -> String {
        let unique = unique(name)
        graph.initializer.append(
            .with {
                $0.name = unique
                $0.dataType = type
                $0.dims = shape.map(Int64.init)
                $0.rawData = bytes
            })
        return unique
    }

    /// Adds an `If` with one output.
    ///
    /// - Parameters:
    ///   - name: of the output, after the prefix.
    ///   - condition: one boolean.
    ///   - type: of the output of both branches.
    ///   - yes: builds the branch of true, and returns its output. It can use values of this graph.
    ///   - no: builds the branch of false.
    func either(
        _ name: String, _ condition: String, _ type: ValueType, yes: (GraphBuilder) throws -> String, no: (GraphBuilder) throws -> String
    ) rethrows -> String {
        func branch(_ key: String, _ build: (GraphBuilder) throws -> String) rethrows -> ONNXGraph {
            let builder = GraphBuilder("\(prefix)\(name).\(key)", prefix: "\(prefix)\(name).\(key)/")
            return builder.finish(inputs: [], outputs: [(try build(builder), type)])
        }
        let attributes = [
            ONNXAttribute("then_branch", try branch("then", yes)), ONNXAttribute("else_branch", try branch("else", no)),
        ]
        return node("If", name, [condition], attributes)
    }

    /// The graph with its inputs and outputs.
    func finish(inputs: [(String, ValueType)], outputs: [(String, ValueType)]) -> ONNXGraph {
        graph.input = inputs.map(ONNXValueInfo.init)
        graph.output = outputs.map(ONNXValueInfo.init)
        return graph
    }

    private func unique(_ name: String) -> String {
        let full = prefix + name
        precondition(names.insert(full).inserted, "\(full) is there twice")
        return full
    }
}

/// The element type and the shape of a value.
struct ValueType {
    /// The size of an axis.
    enum Axis: Equatable {
        case fixed(Int)
        /// Any size; the same name means the same size.
        case any(String)
    }

    var element: ONNXElementType
    var axes: [Axis]
}

extension ONNXValueInfo {
    init(_ name: String, _ type: ValueType) {
        self.init()
        self.name = name
        self.type.tensorType = .with {
            $0.elemType = type.element
            $0.shape.dim = type.axes.map { axis in
                .with {
                    switch axis {
                    case .fixed(let size): $0.dimValue = Int64(size)
                    case .any(let name): $0.dimParam = name
                    }
                }
            }
        }
    }
}

extension ONNXAttribute {
    init(_ name: String, _ value: Int) {
        self.init()
        self.name = name
        type = .int
        i = Int64(value)
    }

    init(_ name: String, _ value: Float) {
        self.init()
        self.name = name
        type = .float
        f = value
    }

    init(_ name: String, _ values: [Int]) {
        self.init()
        self.name = name
        type = .ints
        ints = values.map(Int64.init)
    }

    init(_ name: String, _ graph: ONNXGraph) {
        self.init()
        self.name = name
        type = .graph
        g = graph
    }
}
