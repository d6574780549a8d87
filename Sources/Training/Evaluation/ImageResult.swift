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

    public init(sample: Int, label: Int, choice: Int, predicted: Int, labelRank: Int, fixedLabelRanks: [Int]) {
        self.sample = sample
        self.label = label
        self.choice = choice
        self.predicted = predicted
        self.labelRank = labelRank
        self.fixedLabelRanks = fixedLabelRanks
    }

    private var integers: [Int] { [sample, label, choice, predicted, labelRank, fixedLabelRanks.count] + fixedLabelRanks }

    /// One line of numbers a result, to be sent between ranks.
    static func encode(_ results: [ImageResult]) -> String {
        results.map { $0.integers.map(String.init).joined(separator: " ") }.joined(separator: "\n")
    }

    static func decode(_ text: String) -> [ImageResult] {
        text.split(separator: "\n").map { line in
            let numbers = line.split(separator: " ").map { Int($0)! }
            return ImageResult(
                sample: numbers[0], label: numbers[1], choice: numbers[2], predicted: numbers[3], labelRank: numbers[4],
                fixedLabelRanks: Array(numbers[6...]))
        }
    }
}
