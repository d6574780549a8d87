import Foundation
import Kernels
import Randomness

/// The Gumbel softmax (Jang et al., "Categorical reparameterization with Gumbel-softmax", ICLR 2017; Maddison et al., ICLR 2017).
/// Matrices are [N × m], row-major.
public enum GumbelSoftmax {
    /// Standard Gumbel noise for images, a pure function of (seed, epoch, image): it does not depend on the number of ranks.
    public static func noise(seed: UInt64, epoch: Int, sampleIndices: [Int], columns: Int) -> [Float] {
        sampleIndices.flatMap { index in
            var random = CounterRandom(seed: seed, purpose: .gumbelNoise, step: epoch, sample: index)
            return (0..<columns).map { _ in random.gumbel() }
        }
    }

    /// s = softmax((log softmax(z) + g) / τ). The log softmax shifts a row by a constant, which the softmax does not see, so
    /// that z itself serves.
    public static func probabilities(logits: [Float], noise: [Float], temperature: Float, columns: Int) -> [Float] {
        softmax(zip(logits, noise).map { ($0 + $1) / temperature }, columns: columns)
    }

    /// The gradient of the logits, given that of s: dz_k = s_k (ds_k − Σ_j s_j ds_j) / τ.
    public static func logitGradient(
        probabilities: [Float], gradient: [Float], temperature: Float, columns: Int
    ) -> [Float] {
        var result = softmaxGradient(probabilities: probabilities, gradient: gradient, columns: columns)
        for index in result.indices { result[index] /= temperature }
        return result
    }

    /// The softmax of each row.
    public static func softmax(_ logits: [Float], columns: Int) -> [Float] {
        var result = [Float](repeating: 0, count: logits.count)
        logits.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                for start in stride(from: 0, to: source.count, by: columns) {
                    CrossEntropy.softmax(source.baseAddress! + start, count: columns, into: target.baseAddress! + start)
                }
            }
        }
        return result
    }

    /// The logarithm of each row's softmax. In double precision: logits that differ keep their order.
    public static func logSoftmax(_ logits: [Float], columns: Int) -> [Double] {
        stride(from: 0, to: logits.count, by: columns).flatMap { start in
            let row = logits[start..<start + columns].map(Double.init)
            let largest = row.max() ?? 0
            let logSum = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
            return row.map { $0 - logSum }
        }
    }

    /// The gradient of the logits of a softmax: dz_k = p_k (dp_k − Σ_j p_j dp_j).
    public static func softmaxGradient(probabilities: [Float], gradient: [Float], columns: Int) -> [Float] {
        var result = probabilities
        for start in stride(from: 0, to: probabilities.count, by: columns) {
            let row = start..<start + columns
            let mean = row.reduce(Float(0)) { $0 + probabilities[$1] * gradient[$1] }
            for index in row { result[index] = probabilities[index] * (gradient[index] - mean) }
        }
        return result
    }

    /// The column of the largest element of each row; the first of equal ones.
    public static func argmax(_ matrix: [Float], columns: Int) -> [Int] {
        stride(from: 0, to: matrix.count, by: columns).map { start in
            (1..<columns).reduce(0) { matrix[start + $1] > matrix[start + $0] ? $1 : $0 }
        }
    }
}
