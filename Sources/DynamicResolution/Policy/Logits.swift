import Foundation
import Kernels

/// Functions of logits, row by row. Matrices are [N × columns], row-major.
public enum Logits {
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

    /// The logarithm of each row's softmax. Computed in double precision, so that logits that differ keep their order.
    public static func logSoftmax(_ logits: [Float], columns: Int) -> [Double] {
        stride(from: 0, to: logits.count, by: columns).flatMap { start in
            let row = logits[start..<start + columns].map(Double.init)
            let largest = row.max() ?? 0
            let logSum = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
            return row.map { $0 - logSum }
        }
    }

    /// The pullback of a softmax: the gradient of the logits, dz_k = p_k (dp_k − Σ_j p_j dp_j).
    public static func softmaxPullback(probabilities: [Float], gradient: [Float], columns: Int) -> [Float] {
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

    /// How many classes rank before the label: 0 where its logit is the largest. Of equal logits the lower class ranks first. A label whose
    /// logit is not a number ranks last.
    public static func rank(of label: Int, in logits: UnsafePointer<Float>, count: Int) -> Int {
        let own = logits[label]
        guard own == own else { return count }
        var before = 0
        for index in 0..<count where logits[index] > own || (logits[index] == own && index < label) { before += 1 }
        return before
    }
}
