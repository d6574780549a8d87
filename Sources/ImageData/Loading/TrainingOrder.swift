import Randomness

/// How an epoch selects its images.
public enum Sampling: String, CaseIterable, Sendable {
    /// Each image once.
    case shuffle
    /// Each class equally often.
    case balanced
}

/// The images of a training epoch, in order: a function of seed, epoch and options. An epoch has as many images as the data set, whatever
/// the options are.
public struct TrainingOrder: Sendable {
    /// How the epoch selects its images.
    public var sampling: Sampling
    /// How often each selected image is used, from 1.
    public var repeats: Int
    private let seed: UInt64
    private let epoch: Int

    /// Creates the order of one epoch.
    ///
    /// - Parameters:
    ///   - sampling: how the epoch selects its images.
    ///   - repeats: R, how often each selected image is used; at least 1. The epoch then selects one R-th of the images.
    ///   - seed: of the run.
    ///   - epoch: counted over the whole run.
    public init(sampling: Sampling = .shuffle, repeats: Int = 1, seed: UInt64, epoch: Int) {
        precondition(repeats >= 1, "\(repeats) repeats")
        self.sampling = sampling
        self.repeats = repeats
        self.seed = seed
        self.epoch = epoch
    }

    /// Returns the uses of images. The repetitions of an image are next to each other, so they are in the same global batch, except where
    /// they meet the border of two batches.
    ///
    /// - Parameter labels: the class of each image of the data set.
    public func items(labels: [Int32]) -> [EpochItem] {
        let count = labels.count
        let selected: [Int]
        switch sampling {
        case .shuffle:
            selected = shuffled(Array(0..<count))
        case .balanced:
            selected = shuffled(balanced(labels, count: (count + repeats - 1) / repeats))
        }
        return EpochItem.numbered(
            Array(selected.lazy.flatMap { repeatElement($0, count: repeats) }.prefix(count)), imageCount: count)
    }

    private func shuffled(_ indices: [Int]) -> [Int] {
        var random = CounterRandom(seed: seed, purpose: .shuffling, step: epoch)
        return random.permutation(indices.count).map { indices[$0] }
    }

    /// Returns `count` images with each class equally often. If the number of classes K does not divide the count, the remaining places go
    /// to other classes in each epoch, in turn.
    ///
    /// Each class has an endless sequence of its images: permutations of all of them, one after another. An epoch takes the part that
    /// follows the previous epoch's. Over a run, the images of a class are therefore used equally often, up to one use.
    private func balanced(_ labels: [Int32], count: Int) -> [Int] {
        var images: [Int32: [Int]] = [:]
        for (index, label) in labels.enumerated() { images[label, default: []].append(index) }
        let classes = images.keys.sorted()
        guard !classes.isEmpty else { return [] }
        let (share, rest) = count.quotientAndRemainder(dividingBy: classes.count)
        return classes.enumerated().flatMap { number, label -> [Int] in
            // How many images of this class the epochs before this one took. Each epoch takes `share` of every class, and has `rest` more
            // places. Counted over all epochs, every K-th of these places belongs to this class.
            func places(before epoch: Int) -> Int {
                epoch * share + (epoch * rest + classes.count - 1 - number) / classes.count
            }
            return part(places(before: epoch)..<places(before: epoch + 1), ofClass: label, images[label]!)
        }
    }

    private func part(_ range: Range<Int>, ofClass label: Int32, _ images: [Int]) -> [Int] {
        guard !range.isEmpty else { return [] }
        let cycles = range.lowerBound / images.count...(range.upperBound - 1) / images.count
        return cycles.flatMap { cycle -> [Int] in
            var random = CounterRandom(seed: seed, purpose: .balancing, step: cycle, sample: Int(label))
            let order = random.permutation(images.count)
            let own = range.clamped(to: cycle * images.count..<(cycle + 1) * images.count)
            return own.map { images[order[$0 - cycle * images.count]] }
        }
    }
}
