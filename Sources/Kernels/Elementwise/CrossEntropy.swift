#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Softmax and cross entropy of rows of logits.
public enum CrossEntropy {
    /// probabilities ← softmax(logits). Returns log Σ exp(logits).
    @discardableResult
    public static func softmax(
        _ logits: UnsafePointer<Float>, count: Int, into probabilities: UnsafeMutablePointer<Float>
    ) -> Float {
        var largest = -Float.infinity
        for index in 0..<count { largest = max(largest, logits[index]) }
        var sum: Float = 0
        for index in 0..<count {
            let exponential = expf(logits[index] - largest)
            probabilities[index] = exponential
            sum += exponential
        }
        let factor = 1 / sum
        for index in 0..<count { probabilities[index] *= factor }
        return largest + logf(sum)
    }

    /// Returns the cross entropy of one row with label smoothing: −Σ_k q_k log p_k with q = (1 − ε) onehot(label) + ε / count
    /// (torch.nn.CrossEntropyLoss). `gradient` ← its gradient p − q; nil if only the loss is needed.
    public static func loss(
        _ logits: UnsafePointer<Float>, count: Int, label: Int, smoothing: Float,
        gradient: UnsafeMutablePointer<Float>?
    ) -> Float {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: gradient == nil ? count : 0) { scratch in
            let probabilities = gradient ?? scratch.baseAddress!
            let logSum = softmax(logits, count: count, into: probabilities)
            var loss = (1 - smoothing) * (logSum - logits[label])
            if smoothing > 0 {
                var sum: Float = 0
                for index in 0..<count { sum += logSum - logits[index] }
                loss += smoothing / Float(count) * sum
            }
            if let gradient {
                for index in 0..<count { gradient[index] -= smoothing / Float(count) }
                gradient[label] -= 1 - smoothing
            }
            return loss
        }
    }

    /// Returns the cross entropy of one row with any targets: −Σ_k t_k log p_k. With t_k = w_k q_k this is torch.nn.CrossEntropyLoss of the
    /// probabilities q with the class weights w, without a reduction. `gradient` ← its gradient (Σ_k t_k) p − t; nil if only the loss is
    /// needed.
    public static func loss(
        _ logits: UnsafePointer<Float>, count: Int, targets: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>?
    ) -> Float {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: gradient == nil ? count : 0) { scratch in
            let probabilities = gradient ?? scratch.baseAddress!
            let logSum = softmax(logits, count: count, into: probabilities)
            var (loss, total): (Float, Float) = (0, 0)
            for index in 0..<count {
                loss += targets[index] * (logSum - logits[index])
                total += targets[index]
            }
            if let gradient {
                for index in 0..<count { gradient[index] = total * gradient[index] - targets[index] }
            }
            return loss
        }
    }
}
