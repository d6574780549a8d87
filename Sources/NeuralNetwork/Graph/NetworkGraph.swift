import Kernels

/// A value between the operations of a network.
public enum NetworkValue: Hashable, Sendable {
    /// The input of the network: images [N, 3, H, W], or vectors [N, C].
    case input
    /// The output of the operation with this index.
    case operation(Int)
}

/// The operations of a network's evaluation pass, in order, for programs that run the network elsewhere.
public struct NetworkGraph: Sendable {
    /// Each operation takes the network's input and outputs of earlier operations.
    public let operations: [NetworkOperation]
    /// The input of the last layer: [N, C].
    public let features: NetworkValue
    /// The logits: [N, outputs].
    public let output: NetworkValue
    /// Owns the memory of the operations' parameters.
    private let arena: ParameterArena

    init(_ layers: any NetworkLayers, _ arena: ParameterArena) throws {
        let recorder = OperationRecorder()
        (features, output) = try layers.record(in: recorder)
        operations = recorder.operations
        self.arena = arena
    }
}

/// An operation of a network.
public struct NetworkOperation: Sendable {
    public enum Kind: Sendable {
        /// A convolution and the batch norm after it: [N, C, H, W] → [N, C′, H′, W′].
        case convolution(ConvolutionOperation)
        case activation(ActivationFunction)
        /// The sum of two inputs of the same shape.
        case sum
        /// The maximum in square windows; pixels outside of the input count as −∞.
        case maximumPool(kernel: Int, stride: Int, padding: Int)
        /// The mean over all pixels: [N, C, H, W] → [N, C].
        case mean
        /// The gates of squeeze-and-excitation: [N, C] → [N, C].
        case gates(GateFunction)
        /// The product of a feature map [N, C, H, W] and factors [N, C], one for each channel.
        case scale
        /// A linear layer with bias: [N, C] → [N, outputs]. The weights are [output, input], in files sometimes [output, input, 1, 1].
        case linear(weight: Parameter, bias: Parameter)
    }

    /// Unique in the network. Operations with parameters have the name of their layer.
    public let name: String
    public let kind: Kind
    public let inputs: [NetworkValue]
}

/// A convolution without bias, with square kernels, and the batch norm after it.
public struct ConvolutionOperation: Sendable {
    /// [output, input / groups, row, column] in files.
    public let weight: Parameter
    public let stride: Int
    /// On each side.
    public let padding: Int
    public let groups: Int
    public let norm: BatchNormOperation

    public var kernel: Int { weight.fileShape[3] }
}

/// The batch norm of an evaluation pass: the output is x · scale + shift for each channel.
public struct BatchNormOperation: Sendable {
    /// The name of the layer. The copies have the index of the resolution after it, if there is one for each resolution.
    public let name: String
    /// One for each resolution, or a single one for all.
    public let copies: [BatchNormCopy]
    public let epsilon: Double
    /// Whether there is a copy for each resolution.
    public let isResolutionAware: Bool

    /// The factors that the evaluation pass of this project computes with, to the bit.
    ///
    /// - Parameter resolutionIndex: selects the copy.
    public func factors(resolutionIndex: Int) -> (scale: [Float], shift: [Float]) {
        let copy = copies[isResolutionAware ? resolutionIndex : 0]
        var (scale, shift): ([Float], [Float]) = ([], [])
        for channel in 0..<copy.channels {
            let inverseDeviation = Float(1 / (Double(copy.runningVariance.values[channel]) + epsilon).squareRoot())
            scale.append(copy.weight.values[channel] * inverseDeviation)
            shift.append(copy.bias.values[channel] - copy.runningMean.values[channel] * scale[channel])
        }
        return (scale, shift)
    }
}

/// Collects the operations of a network.
public final class OperationRecorder {
    private(set) var operations: [NetworkOperation] = []
    private var names: Set<String> = []

    /// Adds an operation.
    ///
    /// - Parameters:
    ///   - name: an index is added if an earlier operation has the name.
    ///   - kind: what it computes.
    ///   - inputs: values of earlier operations.
    /// - Returns: its output.
    public func add(_ name: String, _ kind: NetworkOperation.Kind, _ inputs: [NetworkValue]) -> NetworkValue {
        var unique = name
        var count = 1
        while !names.insert(unique).inserted {
            count += 1
            unique = "\(name).\(count)"
        }
        operations.append(NetworkOperation(name: unique, kind: kind, inputs: inputs))
        return .operation(operations.count - 1)
    }

    /// Adds an activation function; nothing for none.
    func add(_ name: String, _ activation: ActivationFunction, _ input: NetworkValue) -> NetworkValue {
        if case .none = activation { return input }
        return add(name, .activation(activation), [input])
    }
}

/// A layer that does not say which operations it consists of.
public struct UnrecordedLayer: Error, CustomStringConvertible {
    var type: String

    public var description: String {
        "the network has a layer of the type \(type), which cannot be exported: its type has no function record(_:in:)"
    }
}
