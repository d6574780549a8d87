import NeuralNetwork

/// A model of the bytes that go through memory for one image, computed from the layers' outputs and the weights.
///
/// It counts all bytes that a kernel reads and writes, even if a cache still holds them. The table is in docs/performance.md.
struct MemoryTraffic: Equatable {
    /// Bytes with batch norm and activation fused into the convolutions.
    var fused: Double
    /// Bytes with a separate sweep for batch norm and activation.
    var separate: Double

    /// A network's forward pass, with its backward pass in training.
    struct Part {
        var network: Network
        /// Height and width of an image.
        var pixels: Int
        /// The share of a step's images that the network processes.
        var share: Double
        /// The number of images of one pass, which reads the weights once.
        var passImages: Int
    }

    /// Floats moved for each element of the layers' outputs.
    private enum Activations {
        static let trainingFused = 2.0 + 5
        static let trainingSeparate = 5.0 + 11
        /// The convolution writes the output, and the next one reads it.
        static let evaluationFused = 2.0
        /// In addition, the normalisation reads and writes it.
        static let evaluationSeparate = 4.0
    }

    /// Floats moved for each weight.
    private enum Weights {
        static let evaluation = 1.0
        /// The forward and the backward pass each read the weight. The backward pass adds to the gradient, which is a read and a write.
        static let training = 1.0 + 1 + 2
        /// The gradient is cleared. The update reads gradient, momentum and value, and writes momentum and value.
        static let update = 1.0 + 5
    }

    /// - Parameters:
    ///   - updates: the trained networks; empty for inference.
    ///   - stepImages: the number of images of a step on one rank.
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
    /// Returns the number of elements of all layers' outputs for one square image.
    fileprivate func outputElements(resolution: Int) -> Int {
        layerCosts(Shape(batch: 1, height: resolution, width: resolution, channels: 3)).reduce(0) { $0 + $1.output.count }
    }
}
