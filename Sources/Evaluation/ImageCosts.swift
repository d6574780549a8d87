import DynamicResolution

/// The cost of an image in some unit: 10⁹ multiply-adds, or milliseconds.
public struct ImageCosts: Codable, Equatable, Sendable {
    /// The classifier at each resolution, largest first.
    public var classifier: [Double]
    /// The predictor; 0 if it does not run.
    public var predictor: Double

    public init(classifier: [Double], predictor: Double) {
        self.classifier = classifier
        self.predictor = predictor
    }

    public static func gigaFLOPs(_ flops: FLOPsModel) -> ImageCosts {
        ImageCosts(classifier: flops.classifier.map { $0 / 1e9 }, predictor: flops.predictor / 1e9)
    }

    /// The mean cost of images that use the resolutions with these shares, predictor included.
    public func mean(shares: [Double]) -> Double {
        zip(shares, classifier).reduce(predictor) { $0 + $1.0 * $1.1 }
    }

    public var withoutPredictor: ImageCosts { ImageCosts(classifier: classifier, predictor: 0) }

    /// The costs of a cascade that ends at each resolution: the sum of this resolution and all smaller ones.
    var cascaded: ImageCosts {
        ImageCosts(classifier: classifier.indices.map { classifier[$0...].reduce(0, +) }, predictor: 0)
    }

    /// The shares of two neighbouring resolutions whose mean cost, without the predictor, is `cost`. If the cost is outside of the range,
    /// all images use the largest or the smallest resolution.
    func neighbouringShares(cost: Double) -> [Double] {
        var shares = [Double](repeating: 0, count: classifier.count)
        // Costs decrease along the resolutions.
        guard let smaller = classifier.firstIndex(where: { $0 <= cost }), smaller > 0 else {
            shares[cost < classifier[0] ? classifier.count - 1 : 0] = 1
            return shares
        }
        shares[smaller - 1] = (cost - classifier[smaller]) / (classifier[smaller - 1] - classifier[smaller])
        shares[smaller] = 1 - shares[smaller - 1]
        return shares
    }
}

/// The time of one batch at one resolution, or in the predictor.
struct BatchTime: Codable {
    /// Resolution index; the number of resolutions for the predictor.
    var part: Int
    var images: Int
    var seconds: Double

    /// Milliseconds an image: for each part, the median over its largest batches. The median is robust against other work on the machine
    /// and against the set-up in the first batch.
    ///
    /// - Returns: nil if a resolution was not measured.
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
