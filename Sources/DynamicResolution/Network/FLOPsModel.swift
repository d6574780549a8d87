import NeuralNetwork

/// Multiply-adds ("FLOPs" in the field's and the paper's words) of a DRNet, counted from its layers.
public struct FLOPsModel: Sendable {
    public let resolutions: [Int]
    /// Multiply-adds of the classifier for one image at each resolution (C_j).
    public let classifier: [Double]
    /// Multiply-adds of the predictor for one image; 0 where there is none.
    public let predictor: Double

    /// - Parameters:
    ///   - classifier: a network, or the definition of one; nothing is allocated for it.
    ///   - predictor: likewise; nil where there is none.
    public init(
        classifier: some LayerCosting, resolutions: [Int], predictor: (any LayerCosting)?, predictorInputSize: Int
    ) {
        self.resolutions = resolutions
        self.classifier = resolutions.map { Double(classifier.multiplyAdds(resolution: $0)) }
        self.predictor = predictor.map { Double($0.multiplyAdds(resolution: predictorInputSize)) } ?? 0
    }

    public init(resolutions: [Int], classifier: [Double], predictor: Double) {
        self.resolutions = resolutions
        self.classifier = classifier
        self.predictor = predictor
    }

    /// The classifier's cost at the largest resolution.
    public var largest: Double { classifier.max() ?? 0 }
    public var smallest: Double { classifier.min() ?? 0 }

    /// The classifier's cost at each resolution, in units of the largest.
    public var relativeCosts: [Double] { classifier.map { $0 / largest } }

    /// Mean multiply-adds of the classifier when resolutions are used with these shares.
    public func mean(shares: [Double]) -> Double {
        zip(shares, classifier).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// Resolutions that waste work because the backbones' stride does not divide them. Each with its cost and its pixels, both relative to
    /// the largest resolution.
    public var unevenResolutions: [(resolution: Int, costShare: Double, pixelShare: Double)] {
        zip(resolutions, classifier).filter { $0.0 % Backbone.stride != 0 }.map { resolution, cost in
            let side = Double(resolution) / Double(resolutions.max() ?? resolution)
            return (resolution, cost / largest, side * side)
        }
    }
}
