import Foundation
import NeuralNetwork

/// What a cascade decides from: the classifier's pass at the smallest resolution.
package enum CascadeEvidence {
    /// The number of largest probabilities that a learned head sees.
    package static let probabilityCount = 5
    /// Smaller probabilities count as this one. The head then sees numbers of about the size of the features.
    package static let leastLogarithm = -10.0
    package static let logarithmScale = 0.2

    /// Elements of the vector that a learned head sees.
    package static func vectorLength(features: Int, classes: Int) -> Int { features + min(probabilityCount, classes) }

    /// The input of a learned head, [N, 1, 1, features + k]: the pooled features, then the logarithms of the k largest probabilities, in
    /// descending order. No gradient flows back through it.
    static func vectors(_ pass: NetworkForward) -> Tensor {
        let (batch, features, classes) = (pass.output.shape.batch, pass.features.shape.channels, pass.output.shape.channels)
        let length = vectorLength(features: features, classes: classes)
        let result = Tensor(Shape(batch: batch, channels: length), pass.output.context)
        let logarithms = Logits.logSoftmax(pass.output.values, columns: classes)
        for image in 0..<batch {
            let target = result.image(image)
            target.update(from: pass.features.image(image), count: features)
            let largest = logarithms[image * classes..<(image + 1) * classes].sorted(by: >).prefix(length - features)
            for (index, value) in largest.enumerated() {
                target[features + index] = Float(logarithmScale * max(value, leastLogarithm))
            }
        }
        return result
    }

    /// The scores [N × m] of a cascade by a threshold, without the costs: 0 for the largest resolution and −d for the smallest one, where d
    /// is the doubt. The resolutions in between get −1. Since d ≤ 1 and they cost more than the smallest one, they are never chosen.
    ///
    /// argmax_j (s_j − λ C_j / C_1) keeps the answer of the smallest resolution if d ≤ λ. So λ is the threshold.
    ///
    /// - Parameters:
    ///   - doubts: d of each image, [N].
    ///   - resolutions: m, at least 2.
    package static func thresholdScores(_ doubts: [Double], resolutions: Int) -> [Double] {
        doubts.flatMap { [0] + [Double](repeating: -1, count: resolutions - 2) + [-$0] }
    }

    /// 1 − p of each image, where p is its largest probability.
    ///
    /// - Parameter logits: at the smallest resolution, [N, 1, 1, classes].
    package static func doubts(_ logits: Tensor) -> [Double] {
        let classes = logits.shape.channels
        let values = logits.values
        return (0..<logits.shape.batch).map { image in
            let row = values[image * classes..<(image + 1) * classes].map(Double.init)
            let largest = row.max() ?? 0
            // 1 − p, without the rounding of a difference of two numbers near 1.
            let others = row.reduce(0) { $0 + exp($1 - largest) } - 1
            return others / (1 + others)
        }
    }
}
