import DynamicResolution

/// What an image costs, in whatever unit: 10⁹ multiply-adds, or milliseconds.
public struct ImageCosts: Codable, Equatable, Sendable {
    /// The classifier at each resolution, largest first.
    public var classifier: [Double]
    /// The predictor; 0 where it does not run.
    public var predictor: Double

    public init(classifier: [Double], predictor: Double) {
        self.classifier = classifier
        self.predictor = predictor
    }

    public static func gigaFLOPs(_ flops: FLOPsModel) -> ImageCosts {
        ImageCosts(classifier: flops.classifier.map { $0 / 1e9 }, predictor: flops.predictor / 1e9)
    }

    /// What images cost in the mean that use the resolutions with these shares.
    public func mean(shares: [Double]) -> Double {
        zip(shares, classifier).reduce(predictor) { $0 + $1.0 * $1.1 }
    }

    public var withoutPredictor: ImageCosts { ImageCosts(classifier: classifier, predictor: 0) }

    /// The costs of a cascade that has come to each resolution through all smaller ones.
    var cascaded: ImageCosts {
        ImageCosts(classifier: classifier.indices.map { classifier[$0...].reduce(0, +) }, predictor: 0)
    }

    /// The shares of a random mix of two neighbouring resolutions that costs this in the mean, without the predictor; all images at the
    /// largest or the smallest where it is beyond them.
    func neighbouringShares(cost: Double) -> [Double] {
        var shares = [Double](repeating: 0, count: classifier.count)
        // Costs fall along the resolutions.
        guard let smaller = classifier.firstIndex(where: { $0 <= cost }), smaller > 0 else {
            shares[cost < classifier[0] ? classifier.count - 1 : 0] = 1
            return shares
        }
        shares[smaller - 1] = (cost - classifier[smaller]) / (classifier[smaller - 1] - classifier[smaller])
        shares[smaller] = 1 - shares[smaller - 1]
        return shares
    }
}

/// How long a batch took at one resolution, or in the predictor.
struct BatchTime: Codable {
    /// Resolution index; the number of resolutions for the predictor.
    var part: Int
    var images: Int
    var seconds: Double

    /// Milliseconds an image, each part's median over the batches that are as large as any: they resist what else the machine does, and
    /// what the first batch sets up. Nil where a resolution was not measured.
    static func milliseconds(_ times: [BatchTime], resolutionCount: Int) -> ImageCosts? {
        let largest = times.map(\.images).max() ?? 0
        let medians = (0...resolutionCount).map { part in
            times.filter { $0.part == part && $0.images == largest }.map { 1e3 * $0.seconds / Double($0.images) }.median
        }
        let classifier = medians.dropLast().compactMap { $0 }
        guard classifier.count == resolutionCount else { return nil }
        return ImageCosts(classifier: classifier, predictor: medians[resolutionCount] ?? 0)
    }
}
