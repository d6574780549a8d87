import DynamicResolution
import NeuralNetwork

/// The classifier's answer for one image at one resolution.
struct ClassAnswer {
    /// The class with the largest logit.
    var predicted: Int
    /// The number of classes whose logit is larger than the label's; 0 if the prediction is correct.
    var labelRank: Int

    /// - Parameter logits: `classCount` floats.
    init(_ logits: UnsafePointer<Float>, label: Int, classCount: Int) {
        predicted = Logits.argmax(Array(UnsafeBufferPointer(start: logits, count: classCount)), columns: classCount)[0]
        labelRank = Logits.rank(of: label, in: logits, count: classCount)
    }
}

/// The answers that the evaluator's parts compute, one list a part. Every list has the images in the order in which this rank loaded them:
/// entry `i` of each list belongs to entry `i` of `samples`.
struct ClassifiedImages {
    /// An image of the dynamic network.
    struct RoutedAnswer {
        /// The image's index in `samples`.
        var position: Int
        /// Resolution index.
        var choice: Int
        var answer: ClassAnswer
    }

    /// An image at a fixed resolution.
    struct FixedAnswer {
        var answer: ClassAnswer
        /// The probability of the predicted class.
        var topProbability: Float
        /// 1 minus the largest probability; at the smallest resolution only.
        var doubt: Double?
    }

    /// The decider's answer for an image.
    struct PolicyAnswer {
        /// Resolution index.
        var choice: Int
        var scores: [Double]
    }

    private(set) var samples: [Int] = []
    private(set) var labels: [Int] = []
    /// One list for each resolution; empty lists if the fixed resolutions did not run.
    var fixed: [[FixedAnswer]]
    /// Empty if the decider did not run by itself.
    var policy: [PolicyAnswer] = []
    /// In any order, since the queues classify images of several batches together; empty if the dynamic network did not run.
    var routed: [RoutedAnswer] = []

    init(resolutionCount: Int) {
        fixed = Array(repeating: [], count: resolutionCount)
    }

    /// Adds the samples and labels of a batch, before the answers for it.
    ///
    /// - Returns: the position of the batch's first image.
    mutating func add(_ batch: MicroBatch) -> Int {
        let first = samples.count
        samples += batch.sampleIndices
        labels += batch.labels.map { Int($0) }
        return first
    }

    /// One result for each image, in the order of the samples. All parts must be complete.
    func results() -> [ImageResult] {
        let routed = routed.sorted { $0.position < $1.position }
        let columns = fixed.filter { !$0.isEmpty }
        return samples.indices.map { index in
            let fixed = columns.map { $0[index] }
            let policy = policy.isEmpty ? nil : policy[index]
            // Without the dynamic network, the answer at the chosen resolution is the one that the fixed resolution gave.
            let choice = routed.isEmpty ? policy?.choice ?? 0 : routed[index].choice
            let answer = routed.isEmpty ? fixed[choice].answer : routed[index].answer
            return ImageResult(
                sample: samples[index], label: labels[index], choice: choice, predicted: answer.predicted, labelRank: answer.labelRank,
                fixedLabelRanks: fixed.map(\.answer.labelRank), fixedPredictions: fixed.map(\.answer.predicted),
                topProbabilities: fixed.map(\.topProbability), smallestDoubt: fixed.last?.doubt, scores: policy?.scores ?? [])
        }.sorted { $0.sample < $1.sample }
    }
}
