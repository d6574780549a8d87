/// What chooses the resolution of an image.
public enum Decider: Equatable, Sendable {
    /// The predictor: a network of its own, on images of `inputSize` pixels. The published form.
    case network(inputSize: Int)
    /// The classifier's pass at the smallest resolution. Its answer is kept, or a larger resolution gives another one.
    case cascade(CascadeHead)

    public var isCascade: Bool {
        if case .cascade = self { return true }
        return false
    }

    /// Side of the predictor's input, in pixels; nil for a cascade.
    public var inputSize: Int? {
        if case .network(let size) = self { return size }
        return nil
    }

    /// Whether the decision needs a network with parameters.
    public var hasNetwork: Bool { self != .cascade(.threshold) }
}

extension DRNet {
    /// Whether the decider has no operating point of its own: its choices need a cost weight λ that belongs to the target.
    public var needsCostWeight: Bool { decider == .cascade(.threshold) || (predictor != nil && outputs == .losses) }
}

/// What turns the classifier's pass at the smallest resolution into a decision.
public enum CascadeHead: String, CaseIterable, Sendable {
    /// The largest class probability: below a threshold, the largest resolution answers. The threshold is calibrated on held-out images.
    /// Nothing is trained.
    case threshold
    /// A small network on the pass's probabilities and features.
    case learned
}

/// The meaning of a decider's outputs z.
public enum DecisionOutputs: String, Sendable {
    /// π = softmax(z) are probabilities of the resolutions. A resolution's score is log π_j, in nats.
    case policy
    /// z_j predicts the loss ℓ_j at each resolution. A score is −z_j.
    case losses

    /// The scores [N × m] of outputs [N × m].
    func scores(_ outputs: [Float], columns: Int) -> [Double] {
        switch self {
        case .policy: return Logits.logSoftmax(outputs, columns: columns)
        case .losses: return outputs.map { -Double($0) }
        }
    }
}
