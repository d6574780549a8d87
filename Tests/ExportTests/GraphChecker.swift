@testable import Export

/// Checks the rules of a graph that need no knowledge of operators.
struct GraphChecker {
    private(set) var problems: [String] = []
    private(set) var nodes = 0
    private var allNames: Set<String> = []

    /// The operators that graphs consist of.
    private static let operators: Set<String> = [
        "Add", "ArgMax", "Clip", "Concat", "ConstantOfShape", "Conv", "Div", "Equal", "Exp", "Expand", "Flatten", "Gather", "GatherND",
        "Gemm", "GlobalAveragePool", "Greater", "HardSigmoid", "HardSwish", "Identity", "If", "Less", "LogSoftmax", "MatMul", "Max",
        "MaxPool", "Mul", "Neg", "NonZero", "ReduceSum", "Relu", "Reshape", "ScatterND", "Shape", "Sigmoid", "Size", "Slice", "Sub", "TopK",
        "Transpose", "Unsqueeze", "Where",
    ]

    /// - Parameters:
    ///   - graph: a graph or a branch.
    ///   - outer: the values of the graphs around it.
    mutating func check(_ graph: ONNXGraph, outer: Set<String>) {
        var known = outer
        // Names are unique in the whole model.
        func define(_ name: String) {
            if name.isEmpty || !allNames.insert(name).inserted { problems.append("\(name) is defined twice") }
            known.insert(name)
        }
        graph.input.forEach { define($0.name) }
        for constant in graph.initializer {
            define(constant.name)
            let width = constant.dataType == .float ? 4 : 8
            let bytes = constant.dims.reduce(width) { $0 * Int($1) }
            if constant.rawData.count != bytes { problems.append("\(constant.name) has \(constant.rawData.count) bytes, not \(bytes)") }
        }
        var own: Set<String> = []
        for node in graph.node {
            nodes += 1
            if !Self.operators.contains(node.opType) { problems.append("\(node.name) is of the unknown type \(node.opType)") }
            for name in node.input where !known.contains(name) { problems.append("\(node.name) uses \(name), which is not defined") }
            for attribute in node.attribute where attribute.hasG { check(attribute.g, outer: known) }
            node.output.forEach(define)
            own.formUnion(node.output)
        }
        for output in graph.output where !own.contains(output.name) { problems.append("no node of \(graph.name) writes \(output.name)") }
    }
}
