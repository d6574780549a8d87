import Foundation
import NeuralNetwork

/// What a cascade decides from: the classifier's pass at the smallest resolution.
package enum CascadeEvidence {
    /// The number of largest probabilities that a learned head sees.
    private static let probabilityCount = 5
    /// Smaller probabilities count as this one. The head then sees numbers of about the size of the features.
    private static let leastLogarithm = -10.0
    private static let logarithmScale = 0.2

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

    /// The scores [N × m] of a threshold on the largest probability p: −(1 − p) for the smallest resolution, 0 for the largest. So the
    /// answer is kept if 1 − p ≤ λ, with the cost of the largest resolution as the unit. Other resolutions have a score that no λ selects.
    ///
    /// - Parameter logits: at the smallest resolution, [N, 1, 1, classes].
    static func thresholdScores(_ logits: Tensor, resolutions: Int) -> [Double] {
        let classes = logits.shape.channels
        let values = logits.values
        return (0..<logits.shape.batch).flatMap { image in
            let row = values[image * classes..<(image + 1) * classes].map(Double.init)
            let largest = row.max() ?? 0
            let exponentials = row.map { exp($0 - largest) }
            // 1 − p, without the rounding of a difference of two numbers near 1.
            let others = exponentials.reduce(0, +) - 1
            return thresholdScores(doubt: others / (1 + others), resolutions: resolutions)
        }
    }

    /// The scores [m] of one image.
    ///
    /// - Parameter doubt: 1 − p.
    package static func thresholdScores(doubt: Double, resolutions: Int) -> [Double] {
        var scores = [Double](repeating: unused, count: resolutions)
        scores[0] = 0
        scores[resolutions - 1] = -doubt
        return scores
    }

    /// Below every −(1 − p), by more than a larger resolution can gain for a negative λ.
    private static let unused = -2.0
}
