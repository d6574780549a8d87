import Kernels

/// What the classifier learns about an image. Its labels are (1 − s) onehot(label) + s onehot(partner).
struct ClassificationTarget {
    var label: Int
    /// The second label. It has no effect where `share` is 0.
    var partner = 0
    /// s, the share of the second label, 0…1.
    var share: Float = 0
    /// The teacher's logits, one for each class; nil without a teacher.
    var teacherLogits: UnsafePointer<Float>?

    /// The label with the larger share, which accuracy counts. Of equal shares, the first.
    var mainLabel: Int { share > 0.5 ? partner : label }
}

/// The loss of one classification of an image. Warm-up, every estimator and in-place distillation use it, for the passes that train and
/// for those that only compare resolutions. With K classes and p = softmax(z),
///
///     ℓ = −Σ_k w_k q_k log p_k,   q = (1 − ε) [(1 − s) onehot(label) + s onehot(partner)] + ε / K.
///
/// This is `torch.nn.CrossEntropyLoss(weight=w, label_smoothing=ε, reduction="none")` of probabilities. With a teacher, the loss is
/// (1 − α) ℓ plus the teacher's term (`TeacherDistillation`), which the class weights do not change. A step divides the sum of all losses
/// by the global number of classifications, whatever the weights are.
public struct ClassificationLoss: Equatable, Sendable {
    /// ε.
    public var labelSmoothing: Float
    /// w_k of each class; empty if all are 1.
    public var classWeights: [Float]
    /// How a teacher's answers enter; nil without a teacher.
    public var distillation: TeacherDistillation?

    /// - Parameters:
    ///   - labelSmoothing: ε, 0 or more, below 1.
    ///   - classWeights: one for each class; empty if all are 1.
    ///   - distillation: how a teacher's answers enter; nil without a teacher.
    public init(labelSmoothing: Float = 0, classWeights: [Float] = [], distillation: TeacherDistillation? = nil) {
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
        self.distillation = distillation
    }

    /// The parts of a loss.
    struct Parts: Equatable {
        /// ℓ.
        var crossEntropy: Float
        /// The teacher's term, with its weight; 0 without a teacher.
        var distillation: Float = 0
        /// The loss: ℓ or, with a teacher, (1 − α) ℓ plus the teacher's term.
        var total: Float
    }

    /// Returns the loss. `gradient` ← its gradient with respect to the logits; nil if only the loss is needed.
    ///
    /// - Parameters:
    ///   - logits: z, one for each class.
    ///   - classes: K.
    func parts(
        _ logits: UnsafePointer<Float>, _ target: ClassificationTarget, classes: Int, gradient: UnsafeMutablePointer<Float>?
    ) -> Parts {
        let crossEntropy = crossEntropy(logits, target, classes: classes, gradient: gradient)
        guard let distillation else { return Parts(crossEntropy: crossEntropy, total: crossEntropy) }
        guard let teacher = target.teacherLogits else { preconditionFailure("the teacher's answers are missing") }
        let share = 1 - distillation.weight
        if let gradient {
            for index in 0..<classes { gradient[index] *= share }
        }
        let term = distillation.term(logits, teacher: teacher, classes: classes, addingTo: gradient)
        return Parts(crossEntropy: crossEntropy, distillation: term, total: share * crossEntropy + term)
    }

    /// Returns ℓ. `gradient` ← its gradient.
    private func crossEntropy(
        _ logits: UnsafePointer<Float>, _ target: ClassificationTarget, classes: Int, gradient: UnsafeMutablePointer<Float>?
    ) -> Float {
        if target.share == 0 && classWeights.isEmpty {
            return CrossEntropy.loss(logits, count: classes, label: target.label, smoothing: labelSmoothing, gradient: gradient)
        }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: classes) { targets in
            targets.initialize(repeating: labelSmoothing / Float(classes))
            targets[target.label] += (1 - labelSmoothing) * (1 - target.share)
            targets[target.partner] += (1 - labelSmoothing) * target.share
            for (index, weight) in classWeights.enumerated() { targets[index] *= weight }
            return CrossEntropy.loss(logits, count: classes, targets: targets.baseAddress!, gradient: gradient)
        }
    }
}
