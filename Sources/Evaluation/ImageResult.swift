/// The result of an evaluation for one image.
public struct ImageResult: Codable, Equatable, Sendable {
    /// The image's index in its split.
    public var sample: Int
    public var label: Int
    /// The resolution index that the decider chose.
    public var choice: Int
    /// The class with the largest logit at that resolution.
    public var predicted: Int
    /// The number of classes that rank before the label at that resolution; 0 if the prediction is correct.
    public var labelRank: Int
    /// `labelRank` at every fixed resolution, largest first; empty if only the dynamic network ran.
    public var fixedLabelRanks: [Int]
    /// The class with the largest logit at every fixed resolution, and its probability; empty if only the dynamic network ran.
    public var fixedPredictions: [Int]
    public var topProbabilities: [Float]
    /// 1 minus the largest probability at the smallest resolution, with all digits; nil if only the dynamic network ran.
    public var smallestDoubt: Double?
    /// The decider's value of every resolution, without the costs; empty if it was not evaluated.
    public var scores: [Double]

    public init(
        sample: Int, label: Int, choice: Int, predicted: Int, labelRank: Int, fixedLabelRanks: [Int], fixedPredictions: [Int] = [],
        topProbabilities: [Float] = [], smallestDoubt: Double? = nil, scores: [Double] = []
    ) {
        self.sample = sample
        self.label = label
        self.choice = choice
        self.predicted = predicted
        self.labelRank = labelRank
        self.fixedLabelRanks = fixedLabelRanks
        self.fixedPredictions = fixedPredictions
        self.topProbabilities = topProbabilities
        self.smallestDoubt = smallestDoubt
        self.scores = scores
    }

    /// The same image's result with another choice. The image must have results at every fixed resolution.
    func routed(to choice: Int) -> ImageResult {
        var result = self
        result.choice = choice
        result.predicted = fixedPredictions[choice]
        result.labelRank = fixedLabelRanks[choice]
        return result
    }

    /// The smallest resolution that classifies the image correctly; the smallest of all if none does.
    var oracleChoice: Int { fixedLabelRanks.lastIndex(of: 0) ?? fixedLabelRanks.count - 1 }
}
