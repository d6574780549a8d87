/// The cost of an image in some unit: multiply-adds, 10⁹ of them, or milliseconds.
public struct ImageCosts: Codable, Equatable, Sendable {
    /// C_j: the classifier at each resolution, largest first.
    public var classifier: [Double]
    /// What every image pays for the decision, besides passes of the classifier: the predictor, or the head of a cascade.
    public var predictor: Double
    /// Whether the classifier's pass at the smallest resolution makes the decision. Every image pays for it.
    public var isCascade: Bool

    public init(classifier: [Double], predictor: Double, isCascade: Bool = false) {
        self.classifier = classifier
        self.predictor = predictor
        self.isCascade = isCascade
    }

    /// The classifier's passes of an image, by its chosen resolution: C_j. In a cascade, C_m + C_j, and C_m for the smallest, whose answer
    /// exists already.
    public var choices: [Double] {
        guard isCascade, let first = classifier.last else { return classifier }
        return classifier.dropLast().map { $0 + first } + [first]
    }

    /// The classifier at the largest resolution: the unit of relative costs.
    public var largest: Double { classifier.max() ?? 0 }

    /// `choices` in units of the largest resolution's cost. A decision weighs them.
    public var relativeChoices: [Double] { choices.map { $0 / largest } }

    /// The mean cost of images whose decider chooses the resolutions with these shares, its own cost included.
    public func mean(shares: [Double]) -> Double {
        zip(shares, choices).reduce(predictor) { $0 + $1.0 * $1.1 }
    }

    /// The mean cost of images that use the resolutions with these shares, without a decision.
    public func meanOfFixed(shares: [Double]) -> Double {
        zip(shares, classifier).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// The same costs, each multiplied.
    public func scaled(by factor: Double) -> ImageCosts {
        ImageCosts(classifier: classifier.map { $0 * factor }, predictor: predictor * factor, isCascade: isCascade)
    }

    /// The costs with another decider.
    ///
    /// - Parameter predictor: the cost of the decision besides passes of the classifier.
    public func deciding(isCascade: Bool, predictor: Double) -> ImageCosts {
        ImageCosts(classifier: classifier, predictor: predictor, isCascade: isCascade)
    }
}

extension ImageCosts {
    private enum CodingKeys: CodingKey {
        case classifier, predictor, isCascade
    }

    /// Files of earlier builds have no cascades.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        classifier = try container.decode([Double].self, forKey: .classifier)
        predictor = try container.decode(Double.self, forKey: .predictor)
        isCascade = try container.decodeIfPresent(Bool.self, forKey: .isCascade) ?? false
    }
}
