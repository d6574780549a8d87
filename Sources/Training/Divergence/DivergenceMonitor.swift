import Foundation

/// Recognises a run whose weights are ruined: its loss is not finite, or far above that of guessing. It sees reduced values only, so all
/// ranks decide alike. It is part of a checkpoint.
struct DivergenceMonitor: Codable, Equatable, Sendable {
    /// The running mean of the cross entropy, over steps whose loss did not explode; nil before the first.
    private(set) var meanLoss: Double?
    /// Steps in a row that were skipped.
    private(set) var skippedSteps = 0
    /// Steps in a row whose loss exploded.
    private(set) var explodedSteps = 0
    /// The number of finished steps before the first step in doubt; nil if the last step was sound. The weights after that many steps gave
    /// the first doubtful loss, so earlier ones are sound.
    private(set) var doubtfulSince: Int?

    /// The weight of a step's loss in the mean: the mean covers about 50 steps.
    private static let meanWeight = 0.02

    /// The cross entropy of guessing among K classes: ln K, at least that of two classes. A class weight multiplies it.
    ///
    /// - Parameters:
    ///   - classCount: K.
    ///   - weights: of the classes; empty if all are 1.
    static func guessingLoss(classCount: Int, weights: [Float]) -> Double {
        log(Double(max(classCount, 2))) * max(1, Double(weights.max() ?? 1))
    }

    /// The largest loss that counts as sound.
    ///
    /// - Parameters:
    ///   - guess: the cross entropy of guessing, ln K.
    ///   - factor: `divergence.lossFactor`, above 0.
    func limit(guess: Double, factor: Double) -> Double { factor * max(guess, meanLoss ?? 0) }

    /// Counts a step whose loss or gradient was not finite.
    ///
    /// - Parameter steps: finished steps before it.
    mutating func skip(after steps: Int) {
        skippedSteps += 1
        explodedSteps = 0
        doubtfulSince = doubtfulSince ?? steps
    }

    /// Counts a step with a finite loss.
    ///
    /// - Parameters:
    ///   - loss: mean cross entropy of the global batch.
    ///   - steps: finished steps before it.
    ///   - guess: the cross entropy of guessing.
    ///   - factor: `divergence.lossFactor`.
    mutating func add(loss: Double, after steps: Int, guess: Double, factor: Double) {
        skippedSteps = 0
        if factor > 0, loss > limit(guess: guess, factor: factor) {
            explodedSteps += 1
            doubtfulSince = doubtfulSince ?? steps
        } else {
            explodedSteps = 0
            doubtfulSince = nil
            meanLoss = meanLoss.map { $0 + Self.meanWeight * (loss - $0) } ?? loss
        }
    }
}
