import NeuralNetwork

/// A model of the bytes that go through memory for an image, counted from the layers' outputs and the weights; docs/performance.md has its
/// table. It counts what a kernel reads and writes, whether or not a cache still holds it.
struct MemoryTraffic: Equatable {
    /// With batch norm and activation fused into the convolutions.
    var fused: Double
    /// With sweeps of their own.
    var separate: Double

    /// A network's forward pass, and the backward pass that may belong to it.
    struct Part {
        var network: Network
        var pixels: Int
        /// Of a step's images.
        var share: Double
        /// Images of one pass: the weights are read once for all of them.
        var passImages: Int
    }

    /// Floats moved for each element of the layers' outputs.
    private enum Activations {
        static let trainingFused = 2.0 + 5
        static let trainingSeparate = 5.0 + 11
        /// Written by the convolution, read by the next.
        static let evaluationFused = 2.0
        /// And read and written once more by the normalisation.
        static let evaluationSeparate = 4.0
    }

    /// Floats moved for each weight.
    private enum Weights {
        static let evaluation = 1.0
        /// Read forward and back; the gradient is added to what is there.
        static let training = 1.0 + 1 + 2
        /// Clearing the gradient; then gradient, momentum and value are read, and the latter two written.
        static let update = 1.0 + 5
    }

    /// - Parameters:
    ///   - updates: the networks that are trained; empty for inference.
    ///   - stepImages: of a step on one rank.
    init(_ parts: [Part], updates: [Network], stepImages: Int) {
        let isTraining = !updates.isEmpty
        let elements = parts.reduce(0.0) { $0 + $1.share * Double($1.network.outputElements(resolution: $1.pixels)) }
        let passes = parts.reduce(0.0) { $0 + $1.share * Double($1.network.arena.parameterCount) / Double($1.passImages) }
        let updated = updates.reduce(0.0) { $0 + Double($1.arena.parameterCount) } / Double(stepImages)
        let weights = passes * (isTraining ? Weights.training : Weights.evaluation) + updated * Weights.update
        let bytes = Double(MemoryLayout<Float>.stride)
        fused = bytes * (elements * (isTraining ? Activations.trainingFused : Activations.evaluationFused) + weights)
        separate = bytes * (elements * (isTraining ? Activations.trainingSeparate : Activations.evaluationSeparate) + weights)
    }
}

extension Network {
    /// Elements of all layers' outputs for one square image.
    fileprivate func outputElements(resolution: Int) -> Int {
        layerCosts(Shape(batch: 1, height: resolution, width: resolution, channels: 3)).reduce(0) { $0 + $1.output.count }
    }
}
