import Inference
import Randomness

/// Intervals of means over images, by resampling the images with replacement. All values of an image stay together, so differences are
/// paired.
///
/// The resamples are counter-based and depend on the number of images alone: the same results give the same intervals on any machine and
/// any number of ranks.
struct PairedBootstrap {
    static let resamples = 2000
    /// The part of the resampled means that is below an interval, and the part that is above.
    private static let tail = 0.025

    /// The values of the images, image by image.
    private let values: [Double]
    private let images: Int
    private let columns: Int

    /// - Parameter columns: one list of values for each mean, with an element for each image. At least one image.
    init(_ columns: [[Double]]) {
        let count = columns.first?.count ?? 0
        precondition(count > 0 && columns.allSatisfy { $0.count == count }, "one value for each image")
        images = count
        self.columns = columns.count
        values = (0..<count).flatMap { image in columns.map { $0[image] } }
    }

    /// The means, each with the interval between the percentiles 2.5 and 97.5 of the resampled means.
    func estimates() -> [IntervalEstimate] {
        var means = [[Double]](repeating: [], count: columns)
        for resample in 1...Self.resamples {
            for (column, sum) in sums(resample).enumerated() { means[column].append(sum / Double(images)) }
        }
        return means.indices.map { column in
            let sorted = means[column].sorted()
            let value = stride(from: column, to: values.count, by: columns).reduce(0) { $0 + values[$1] } / Double(images)
            let skipped = Int(Self.tail * Double(sorted.count))
            return IntervalEstimate(value: value, low: min(value, sorted[skipped]), high: max(value, sorted[sorted.count - 1 - skipped]))
        }
    }

    private func sums(_ resample: Int) -> [Double] {
        // Step 0 of this purpose is the division of the images into halves.
        var random = CounterRandom(seed: 0, purpose: .recommendation, step: resample)
        var sums = [Double](repeating: 0, count: columns)
        for _ in 0..<images {
            let start = random.integer(below: images) * columns
            for column in 0..<columns { sums[column] += values[start + column] }
        }
        return sums
    }
}

extension IntervalEstimate {
    /// The same estimate of a difference of accuracies, at least 3 / n wide on each side. Images that did not differ in the sample do not
    /// show that none differs: with n images and no event, the 95 % limit of its probability is about 3 / n (the rule of three). Resampling
    /// alone would give the interval 0 … 0.
    func widened(images: Int) -> IntervalEstimate {
        let least = min(1, 3 / Double(images))
        return IntervalEstimate(value: value, low: min(low, value - least), high: max(high, value + least))
    }
}
