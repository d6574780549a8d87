import Kernels

/// Squeeze-and-excitation (Hu et al., CVPR 2018): each channel of an image is multiplied by a gate, which two linear layers compute from
/// the means of all channels over the pixels.
///
/// A training pass keeps the means and gates only. The backward pass computes the input again. A pass overwrites an input whose values are
/// in memory already, unless it is a training pass.
struct SqueezeExcitation: FeatureLayer {
    private let reduce: Linear
    private let expand: Linear
    private let activation: ActivationFunction
    private let gate: GateFunction
    private let name: String

    var parameters: [Parameter] { [reduce.weight, reduce.bias, expand.weight, expand.bias] }

    /// - Parameters:
    ///   - name: of the layer. Its parts are `fc1` and `fc2`, as in torchvision, which has 1×1 convolutions there.
    ///   - builder: registers the parameters.
    ///   - channels: of the input and the output.
    ///   - squeezed: outputs of the first linear layer.
    ///   - activation: between the linear layers.
    ///   - gate: after the second one.
    init(
        _ name: String, _ builder: LayerBuilder, channels: Int, squeezed: Int, activation: ActivationFunction, gate: GateFunction
    ) {
        reduce = Linear(
            "\(name).fc1", builder.registry, from: channels, to: squeezed, weight: .heNormal(fanOut: squeezed), bias: .zeros,
            isConvolution: true)
        expand = Linear(
            "\(name).fc2", builder.registry, from: squeezed, to: channels, weight: .heNormal(fanOut: channels), bias: .zeros,
            isConvolution: true)
        self.activation = activation
        self.gate = gate
        self.name = name
    }

    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback> {
        let (shape, context) = (input.shape, input.context)
        let pixels = shape.height * shape.width
        let values = input.materialized()
        let mean = GlobalAveragePool.forward(values, Pass(.evaluation)).output
        let squeezed = reduce.forward(mean)
        let active = Tensor(squeezed.shape, context)
        active.data.update(from: squeezed.data, count: squeezed.shape.count)
        activation.apply(active.data, count: active.shape.count)
        let scores = expand.forward(active)
        let gates = Tensor(scores.shape, context)
        ChannelGates.gates(gate, scores: scores.data, count: scores.shape.count, into: gates.data)
        // Values that were computed for this layer belong to it.
        let output = pass.mode == .training && input.hasFloats ? Tensor(shape, context) : values
        ChannelGates.scale(
            values.data, batch: shape.batch, pixels: pixels, channels: shape.channels, by: gates.data, into: output.data, context)
        guard pass.mode == .training else { return Forward(FeatureMap(output), nil) }
        return Forward(FeatureMap(.keeping(output))) { gradient in
            let gradient = gradient.tensor
            let scoreGradient = Tensor(scores.shape, context)
            ChannelGates.gateGradient(
                gradient.data, input: input.rows, batch: shape.batch, pixels: pixels, channels: shape.channels, into: scoreGradient.data,
                context)
            ChannelGates.multiplyGradient(gate, scoreGradient.data, scores: scores.data, count: scores.shape.count)
            let squeezedGradient = expand.backward(scoreGradient, input: active)
            activation.multiplyGradient(squeezedGradient.data, inputs: squeezed.data, count: squeezed.shape.count)
            let meanGradient = reduce.backward(squeezedGradient, input: mean)
            ChannelGates.inputGradient(
                gradient.data, batch: shape.batch, pixels: pixels, channels: shape.channels, gates: gates.data,
                meanGradient: meanGradient.data, context)
            return FeatureGradient(gradient)
        }
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        reduce.trace(Shape(batch: shape.batch, channels: shape.channels), into: &costs)
        expand.trace(costs.last?.output ?? shape, into: &costs)
        return shape
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        let squeezed = reduce.record(recorder.add("\(name).mean", .mean, [input]), in: recorder)
        let scores = expand.record(recorder.add("\(name).activation", activation, squeezed), in: recorder)
        return recorder.add(name, .scale, [input, recorder.add("\(name).gates", .gates(gate), [scores])])
    }
}
