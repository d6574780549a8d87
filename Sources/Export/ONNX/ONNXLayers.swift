import Kernels
import NeuralNetwork

/// Writes the operations of a network as nodes of ONNX.
///
/// Batch norms are folded: into the weights of the convolution before or, if several resolutions share the weights, into a factor and an
/// addend after it. Runtimes fold these when they load the file.
struct ONNXLayers {
    let graph: NetworkGraph
    /// Selects the copy of each batch norm.
    let resolutionIndex: Int
    /// Starts the names of the network's values.
    let name: String
    /// Holds the weights that several passes share; nil if the pass has weights of its own.
    var shared: SharedWeights?

    /// Adds the nodes to a graph.
    ///
    /// - Parameters:
    ///   - input: the value that the network takes.
    ///   - builder: of the graph.
    /// - Returns: the values of the input of the last layer, and of the logits.
    func add(_ input: String, to builder: GraphBuilder) -> (features: String, output: String) {
        var values: [String] = []
        func value(_ value: NetworkValue) -> String {
            switch value {
            case .input: return input
            case .operation(let index): return values[index]
            }
        }
        var limits: (low: String, high: String)?
        for operation in graph.operations {
            let (name, inputs) = ("\(name)/\(operation.name)", operation.inputs.map(value))
            switch operation.kind {
            case .convolution(let convolution): values.append(add(convolution, name, inputs, to: builder))
            case .activation(.none): values.append(inputs[0])
            case .activation(.relu): values.append(builder.node("Relu", name, inputs))
            case .activation(.relu6):
                let found =
                    limits ?? (builder.floats("\(self.name)/low", shape: [], [0]), builder.floats("\(self.name)/high", shape: [], [6]))
                limits = found
                values.append(builder.node("Clip", name, inputs + [found.low, found.high]))
            case .activation(.silu):
                values.append(builder.node("Mul", name, inputs + [builder.node("Sigmoid", "\(name).gate", inputs)]))
            case .activation(.hardSwish): values.append(builder.node("HardSwish", name, inputs))
            case .gates(let function): values.append(add(function, name, inputs, to: builder))
            case .scale: values.append(scale(name, inputs, in: builder))
            case .sum: values.append(builder.node("Add", name, inputs))
            case .maximumPool(let kernel, let stride, let padding):
                values.append(
                    builder.node(
                        "MaxPool", name, inputs,
                        [
                            ONNXAttribute("kernel_shape", [kernel, kernel]), ONNXAttribute("strides", [stride, stride]),
                            ONNXAttribute("pads", [padding, padding, padding, padding]),
                        ]))
            case .mean: values.append(builder.node("Flatten", name, [builder.node("GlobalAveragePool", "\(name).pixels", inputs)]))
            case .linear(let weight, let bias):
                // Weights of a 1×1 convolution are [output, input, 1, 1]. `Gemm` takes [output, input].
                let parameters = [weight, bias].map { parameter in
                    let shape = Array(parameter.fileShape.prefix(2))
                    return shared?.constant(parameter, shape: shape)
                        ?? builder.floats("\(self.name)/\(parameter.name)", shape: shape, parameter.fileValues())
                }
                values.append(builder.node("Gemm", name, inputs + parameters, [ONNXAttribute("transB", 1)]))
            }
        }
        return (value(graph.features), value(graph.output))
    }

    private func add(_ gate: GateFunction, _ name: String, _ scores: [String], to builder: GraphBuilder) -> String {
        switch gate {
        case .logistic: return builder.node("Sigmoid", name, scores)
        // The default of `alpha` is 0.2.
        case .hardLogistic:
            return builder.node("HardSigmoid", name, scores, [ONNXAttribute("alpha", Float(1) / 6), ONNXAttribute("beta", 0.5)])
        }
    }

    /// The product of a feature map and factors for its channels.
    private func scale(_ name: String, _ inputs: [String], in builder: GraphBuilder) -> String {
        let axes = builder.integers("\(name).axes", [2, 3])
        return builder.node("Mul", name, [inputs[0], builder.node("Unsqueeze", "\(name).factors", [inputs[1], axes])])
    }

    private func add(_ convolution: ConvolutionOperation, _ name: String, _ inputs: [String], to builder: GraphBuilder) -> String {
        let (scale, shift) = convolution.norm.factors(resolutionIndex: resolutionIndex)
        let (kernel, stride, padding) = (convolution.kernel, convolution.stride, convolution.padding)
        let attributes = [
            ONNXAttribute("kernel_shape", [kernel, kernel]), ONNXAttribute("strides", [stride, stride]),
            ONNXAttribute("pads", [padding, padding, padding, padding]), ONNXAttribute("group", convolution.groups),
        ]
        if let shared {
            let convolved = builder.node("Conv", "\(name).convolved", inputs + [shared.constant(convolution.weight)], attributes)
            let channels = [1, scale.count, 1, 1]
            let scaled = builder.node("Mul", "\(name).scaled", [convolved, builder.floats("\(name).scale", shape: channels, scale)])
            return builder.node("Add", name, [scaled, builder.floats("\(name).shift", shape: channels, shift)])
        }
        var weights = convolution.weight.fileValues()
        let perOutput = weights.count / scale.count
        for index in weights.indices { weights[index] *= scale[index / perOutput] }
        let parameters = [
            builder.floats("\(name).weight", shape: convolution.weight.fileShape, weights),
            builder.floats("\(name).bias", shape: [shift.count], shift),
        ]
        return builder.node("Conv", name, inputs + parameters, attributes)
    }
}

/// Weights in the outermost graph, which all of its subgraphs can use.
final class SharedWeights {
    private let builder: GraphBuilder
    private var names: [String: String] = [:]

    /// - Parameter builder: of the outermost graph.
    init(_ builder: GraphBuilder) {
        self.builder = builder
    }

    /// The name of a parameter's values, which the first call adds.
    ///
    /// - Parameters:
    ///   - parameter: weights or a bias.
    ///   - shape: of the values; nil for the shape in files.
    func constant(_ parameter: Parameter, shape: [Int]? = nil) -> String {
        if let name = names[parameter.name] { return name }
        let name = builder.floats("shared/\(parameter.name)", shape: shape ?? parameter.fileShape, parameter.fileValues())
        names[parameter.name] = name
        return name
    }
}
