import Kernels

/// A linear layer and its activation, on vectors [N, 1, 1, C].
struct HiddenLayer: Sendable {
    let linear: Linear
    let activation: ActivationFunction

    var parameters: [Parameter] { [linear.weight, linear.bias] }

    /// The pullback takes the gradient of the output and overwrites it. It adds to the gradients of the parameters, and returns the
    /// gradient of the input.
    func forward(_ input: Tensor) -> (output: Tensor, pullback: (Tensor) -> Tensor) {
        let sums = linear.forward(input)
        let output = Tensor(sums.shape, input.context)
        output.data.update(from: sums.data, count: sums.shape.count)
        activation.apply(output.data, count: output.shape.count)
        return (
            output,
            { gradient in
                activation.multiplyGradient(gradient.data, inputs: sums.data, count: sums.shape.count)
                return linear.backward(gradient, input: input)
            }
        )
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        recorder.add("\(linear.name).activation", activation, linear.record(input, in: recorder))
    }
}
