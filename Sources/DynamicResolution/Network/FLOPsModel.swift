import NeuralNetwork

/// Multiply-adds ("FLOPs" in the field's and the paper's words) of a DRNet, counted from its layers.
public struct FLOPsModel: Sendable {
    public let resolutions: [Int]
    /// Multiply-adds of an image.
    public let costs: ImageCosts

    /// - Parameters:
    ///   - classifier: a network, or the definition of one; nothing is allocated for it.
    ///   - decider: nil without a choice of resolutions.
    ///   - predictor: the network of the decider, or its definition; nil if the decider has none.
    public init(classifier: some LayerCosting, resolutions: [Int], decider: Decider?, predictor: (any LayerCosting)?) {
        self.init(
            resolutions: resolutions, classifier: resolutions.map { Double(classifier.multiplyAdds(resolution: $0)) },
            predictor: predictor.map { Double($0.multiplyAdds(resolution: decider?.inputSize ?? 1)) } ?? 0,
            isCascade: decider?.isCascade ?? false)
    }

    public init(resolutions: [Int], classifier: [Double], predictor: Double, isCascade: Bool = false) {
        self.init(resolutions: resolutions, costs: ImageCosts(classifier: classifier, predictor: predictor, isCascade: isCascade))
    }

    init(resolutions: [Int], costs: ImageCosts) {
        self.resolutions = resolutions
        self.costs = costs
    }

    /// Multiply-adds of the classifier for one image at each resolution (C_j).
    public var classifier: [Double] { costs.classifier }
    /// Multiply-adds of the predictor, or of a cascade's head, for one image; 0 where there is none.
    public var predictor: Double { costs.predictor }
    /// The classifier's multiply-adds for one image, by its chosen resolution.
    public var choices: [Double] { costs.choices }

    /// The classifier's cost at the largest resolution.
    public var largest: Double { costs.largest }
    public var smallest: Double { classifier.min() ?? 0 }

    /// Resolutions that waste work because the backbones' stride does not divide them. Each with its cost and its pixels, both relative to
    /// the largest resolution.
    public var unevenResolutions: [(resolution: Int, costShare: Double, pixelShare: Double)] {
        zip(resolutions, classifier).filter { $0.0 % Backbone.stride != 0 }.map { resolution, cost in
            let side = Double(resolution) / Double(resolutions.max() ?? resolution)
            return (resolution, cost / largest, side * side)
        }
    }
}
