import Kernels

/// A small network on vectors [N, 1, 1, inputs]: one hidden layer with a ReLU, and a linear layer.
public struct DecisionHead: NetworkArchitecture {
    /// Elements of an input vector.
    public var inputs: Int
    /// Units of the hidden layer; 0 for a linear layer alone.
    public var hidden: Int

    public init(inputs: Int, hidden: Int) {
        self.inputs = inputs
        self.hidden = hidden
    }

    public func makeLayers(_ builder: LayerBuilder) -> any NetworkLayers {
        let hiddenLayer = hidden > 0 ? Linear("hidden", builder.registry, from: inputs, to: hidden) : nil
        return Layers(hidden: hiddenLayer, last: Linear("fc", builder.registry, from: hidden > 0 ? hidden : inputs, to: builder.outputs))
    }

    private final class Layers: NetworkLayers {
        private let hidden: Linear?
        private let last: Linear

        init(hidden: Linear?, last: Linear) {
            self.hidden = hidden
            self.last = last
        }

        func forward(_ vectors: Tensor, _ pass: Pass) throws -> NetworkForward {
            guard let hidden else {
                return NetworkForward(
                    last.forward(vectors), features: vectors,
                    pass.mode == .training
                        ? { [last] gradient in
                            _ = last.backward(gradient, input: vectors)
                        } : nil)
            }
            let active = hidden.forward(vectors)
            for index in 0..<active.shape.count { active.data[index] = max(active.data[index], 0) }
            let logits = last.forward(active)
            guard pass.mode == .training else { return NetworkForward(logits, features: active, nil) }
            return NetworkForward(logits, features: active) { [last] gradient in
                let gradient = last.backward(gradient, input: active)
                for index in 0..<active.shape.count where active.data[index] <= 0 { gradient.data[index] = 0 }
                _ = hidden.backward(gradient, input: vectors)
            }
        }

        func record(in recorder: OperationRecorder) -> (features: NetworkValue, output: NetworkValue) {
            guard let hidden else { return (.input, last.record(.input, in: recorder)) }
            let features = recorder.add("\(hidden.name).activation", .relu, hidden.record(.input, in: recorder))
            return (features, last.record(features, in: recorder))
        }

        func layerCosts(_ input: Shape) -> [LayerCost] {
            var costs: [LayerCost] = []
            let shape = Shape(batch: input.batch, channels: input.channels)
            hidden?.trace(shape, into: &costs)
            last.trace(shape, into: &costs)
            return costs
        }
    }
}
