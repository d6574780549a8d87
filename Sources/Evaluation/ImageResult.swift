/// What an evaluation found out about one image.
public struct ImageResult: Equatable, Sendable {
    /// The image's index in its split.
    public var sample: Int
    public var label: Int
    /// The resolution index that the predictor chose.
    public var choice: Int
    /// The class with the largest logit at that resolution.
    public var predicted: Int
    /// How many classes stood before the label at that resolution; 0 is right.
    public var labelRank: Int
    /// The same at every fixed resolution; empty where only the dynamic network ran.
    public var fixedLabelRanks: [Int]
    /// The class with the largest logit at every fixed resolution, and its probability.
    public var fixedPredictions: [Int]
    public var topProbabilities: [Float]
    /// log π_j, where the predictor was asked for it; empty otherwise.
    public var logProbabilities: [Double]

    public init(
        sample: Int, label: Int, choice: Int, predicted: Int, labelRank: Int, fixedLabelRanks: [Int], fixedPredictions: [Int] = [],
        topProbabilities: [Float] = [], logProbabilities: [Double] = []
    ) {
        self.sample = sample
        self.label = label
        self.choice = choice
        self.predicted = predicted
        self.labelRank = labelRank
        self.fixedLabelRanks = fixedLabelRanks
        self.fixedPredictions = fixedPredictions
        self.topProbabilities = topProbabilities
        self.logProbabilities = logProbabilities
    }

    /// The result that the image has at another choice; for results at every fixed resolution.
    func routed(to choice: Int) -> ImageResult {
        var result = self
        result.choice = choice
        result.predicted = fixedPredictions[choice]
        result.labelRank = fixedLabelRanks[choice]
        return result
    }

    /// The smallest resolution that is right; the smallest of all where none is.
    var oracleChoice: Int { fixedLabelRanks.lastIndex(of: 0) ?? fixedLabelRanks.count - 1 }

    /// Floats as their bits, so that they arrive as they were.
    private var fields: [[UInt64]] {
        [
            [sample, label, choice, predicted, labelRank].map { UInt64($0) }, fixedLabelRanks.map { UInt64($0) },
            fixedPredictions.map { UInt64($0) }, topProbabilities.map { UInt64($0.bitPattern) }, logProbabilities.map(\.bitPattern),
        ]
    }

    /// One line of numbers a result, to be sent between ranks.
    static func encode(_ results: [ImageResult]) -> String {
        results.map { result in
            result.fields.map { $0.map(String.init).joined(separator: " ") }.joined(separator: "|")
        }.joined(separator: "\n")
    }

    static func decode(_ text: String) -> [ImageResult] {
        text.split(separator: "\n").map { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.split(separator: " ").map { UInt64($0)! } }
            let numbers = fields[0].map { Int($0) }
            return ImageResult(
                sample: numbers[0], label: numbers[1], choice: numbers[2], predicted: numbers[3], labelRank: numbers[4],
                fixedLabelRanks: fields[1].map { Int($0) }, fixedPredictions: fields[2].map { Int($0) },
                topProbabilities: fields[3].map { Float(bitPattern: UInt32($0)) },
                logProbabilities: fields[4].map { Double(bitPattern: $0) })
        }
    }
}
