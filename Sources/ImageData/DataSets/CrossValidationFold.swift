import Randomness

/// A fold of the training images for cross-validation. The text 2/5 means the second of five folds.
public struct CrossValidationFold: Hashable, Sendable, CustomStringConvertible {
    /// The number of this fold, 1 … `count`.
    public let index: Int
    /// The number of folds, at least 2.
    public let count: Int

    /// Parses a text such as "2/5". Returns nil if the text does not denote a fold.
    public init?(_ text: String) {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], count >= 2, 1...count ~= index else { return nil }
        self.index = index
        self.count = count
    }

    public var description: String { "\(index)/\(count)" }
}

extension ImageDataset {
    /// Returns a folder that validates on one fold of the training images and trains on the other folds. The original validation images are
    /// left out, so that they remain unseen.
    ///
    /// The images of each class are assigned to the folds at random. The sizes of the folds differ by at most one image, and so do the
    /// numbers of images of each class. The assignment depends only on the folder, so runs with different seeds use the same folds.
    ///
    /// - Throws: `ImageFolderError.tooFewForFolds` if a class has fewer images than there are folds.
    public func fold(_ fold: CrossValidationFold) throws -> ImageDataset {
        var counts = [Int](repeating: 0, count: classes.count)
        for sample in training { counts[Int(sample.label)] += 1 }
        if let scarce = counts.indices.first(where: { counts[$0] < fold.count }) {
            throw ImageFolderError.tooFewForFolds(path: path, name: classes[scarce], images: counts[scarce], folds: fold.count)
        }
        // Each class starts at the fold after the last one of the previous class, so that the folds' sizes stay balanced.
        var next = counts.indices.map { counts[..<$0].reduce(0, +) % fold.count }
        var isHeldOut = [Bool](repeating: false, count: training.count)
        var random = CounterRandom(seed: 0, purpose: .folding, step: fold.count)
        for index in random.permutation(training.count) {
            let label = Int(training[index].label)
            isHeldOut[index] = next[label] == fold.index - 1
            next[label] = (next[label] + 1) % fold.count
        }
        var result = self
        result.training = training.indices.filter { !isHeldOut[$0] }.map { training[$0] }
        result.validation = training.indices.filter { isHeldOut[$0] }.map { training[$0] }
        return result
    }
}
