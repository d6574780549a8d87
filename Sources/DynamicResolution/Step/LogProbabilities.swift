import Kernels

/// A softmax, with its logarithm.
struct LogProbabilities {
    private(set) var probabilities: [Float]
    let logarithms: [Float]

    /// softmax(z).
    init(_ logits: [Float]) {
        probabilities = logits
        let logSum = CrossEntropy.softmax(logits, count: logits.count, into: &probabilities)
        logarithms = logits.map { $0 - logSum }
    }

    /// softmax(z / T).
    ///
    /// - Parameters:
    ///   - logits: z.
    ///   - count: of the logits.
    ///   - temperature: T.
    init(_ logits: UnsafePointer<Float>, count: Int, temperature: Float = 1) {
        self.init((0..<count).map { logits[$0] / temperature })
    }

    /// KL(self ‖ other), in nats.
    func divergence(from other: LogProbabilities) -> Double {
        probabilities.indices.reduce(0) {
            $0 + Double(probabilities[$1]) * (Double(logarithms[$1]) - Double(other.logarithms[$1]))
        }
    }
}
