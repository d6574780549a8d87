import NeuralNetwork

/// A trained classifier that does not change, and whose answers the trained classifier learns (`TeacherDistillation`).
public struct Teacher: Sendable {
    private let network: FrozenNetwork
    private let resolutionIndex: Int
    private let resizer: ImageResizer

    /// Copies the values of a network, and prepares its weights once.
    ///
    /// - Parameters:
    ///   - network: its outputs are the classes of the trained classifier, in the same order.
    ///   - resolutionIndex: which copy of each batch norm to use; 0 for plain batch norms.
    ///   - inputSize: side of the images that the teacher sees, in pixels.
    ///   - imageSize: side of the images of a micro-batch, in pixels.
    public init(_ network: Network, resolutionIndex: Int = 0, inputSize: Int, imageSize: Int) {
        self.network = FrozenNetwork(network)
        self.resolutionIndex = resolutionIndex
        resizer = ImageResizer(resolutions: [imageSize, inputSize], predictorInputSize: imageSize)
    }

    /// The number of classes.
    var classCount: Int { network.definition.outputs }

    /// Images [N, r_1, r_1, 3] → logits [N, 1, 1, classes], with running statistics. Local.
    public func logits(_ images: Tensor) throws -> Tensor {
        try network.logits(resizer.resizing(images, toResolution: 1), resolutionIndex: resolutionIndex)
    }
}

/// Distillation from a teacher (Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531). The loss of a
/// classification becomes
///
///     (1 − α) ℓ + α T² KL(softmax(t / T) ‖ softmax(z / T))
///
/// with the teacher's logits t and the classifier's logits z. The factor T² keeps the size of the gradient independent of T.
public struct TeacherDistillation: Equatable, Sendable {
    /// α, the share of the teacher's term.
    public var weight: Float
    /// T.
    public var temperature: Float

    /// - Parameters:
    ///   - weight: α, 0…1.
    ///   - temperature: T, above 0.
    public init(weight: Float, temperature: Float) {
        self.weight = weight
        self.temperature = temperature
    }

    /// Returns α T² KL. Adds its gradient with respect to z, α T (softmax(z / T) − softmax(t / T)), to `gradient`; nil if only the value is
    /// needed.
    func term(
        _ logits: UnsafePointer<Float>, teacher: UnsafePointer<Float>, classes: Int, addingTo gradient: UnsafeMutablePointer<Float>?
    ) -> Float {
        let target = LogProbabilities(teacher, count: classes, temperature: temperature)
        let own = LogProbabilities(logits, count: classes, temperature: temperature)
        if let gradient {
            let scale = weight * temperature
            for index in 0..<classes { gradient[index] += scale * (own.probabilities[index] - target.probabilities[index]) }
        }
        return weight * temperature * temperature * Float(target.divergence(from: own))
    }
}
