import Randomness

/// One of the parts that the training images are divided into for cross-validation, such as 2/5: the second of five.
public struct CrossValidationFold: Hashable, Sendable, CustomStringConvertible {
    /// From 1 to `count`.
    public let index: Int
    /// Two at least.
    public let count: Int

    /// Nil where there is no such part.
    public init?(_ text: String) {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let index = numbers[0], let count = numbers[1], count >= 2, 1...count ~= index else { return nil }
        self.index = index
        self.count = count
    }

    public var description: String { "\(index)/\(count)" }
}

extension ImageFolder {
    /// The folder with this fold of its training images for validation, and the other ones for training. Its own validation images are
    /// left out, so that they stay unseen.
    ///
    /// Images are dealt to the folds at random, class by class: the folds' numbers of images, and of those of each class, differ by one
    /// at most. Which images go where follows from the folder alone, so that runs with other seeds divide it alike.
    ///
    /// - Throws: where a class has fewer images than there are folds.
    public func fold(_ fold: CrossValidationFold) throws -> ImageFolder {
        var counts = [Int](repeating: 0, count: classes.count)
        for sample in training { counts[Int(sample.label)] += 1 }
        if let scarce = counts.indices.first(where: { counts[$0] < fold.count }) {
            throw ImageFolderError.tooFewForFolds(path: path, name: classes[scarce], images: counts[scarce], folds: fold.count)
        }
        // Each class goes on where the one before has ended.
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
