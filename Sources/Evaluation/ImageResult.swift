/// What an evaluation found out about one image.
public struct ImageResult: Codable, Equatable, Sendable {
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
}
