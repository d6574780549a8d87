import Inference
import DynamicResolution
import Foundation
import Interchange
import Randomness

/// A DRNet that is held to a budget without being trained anew: λ is calibrated on a part of the images, and the others tell how it fares.
public struct BudgetEvaluation: Encodable {
    /// How the part for the calibration fared.
    public struct Calibration: Codable, Equatable, Sendable {
        public var images: Int
        /// Means of an image, predictor included.
        public var gigaFLOPs: Double
        public var milliseconds: Double
    }

    public let budget: Double
    public let unit: Budget.Unit
    /// λ, in nats for the cost of the largest resolution.
    public let costWeight: Double
    public let calibration: Calibration
    /// Measured, of an image on one rank.
    public let milliseconds: ImageCosts
    /// On the other images.
    public var evaluation: Evaluation
    /// The other images, as the budget routes them.
    public let results: [ImageResult]
    private let description: String

    enum CodingKeys: CodingKey {
        case budget, unit, costWeight, calibration, milliseconds, evaluation
    }

    /// - Parameters:
    ///   - results: of every image at every resolution, with the predictor's probabilities.
    ///   - calibrationShare: of the images, between 0 and 1.
    public init(
        _ budget: Budget, results: [ImageResult], flops: FLOPsModel, milliseconds: ImageCosts, calibrationShare: Double, classCount: Int
    ) throws {
        let (calibrating, others) = try Self.split(results, share: calibrationShare)
        let gigaFLOPs = ImageCosts.gigaFLOPs(flops)
        let costs = budget.unit == .milliseconds ? milliseconds : gigaFLOPs
        let weights = CostWeights(calibrating, flops)
        costWeight = try Self.calibrate(weights, limit: try budget.limit(costs), costs, flops)
        let shares = weights.shares(costWeight)
        calibration = Calibration(
            images: calibrating.count, gigaFLOPs: gigaFLOPs.mean(shares: shares), milliseconds: milliseconds.mean(shares: shares))
        self.results = others.routed(costWeight, flops)
        evaluation = Evaluation(
            results: self.results, flops: flops, classCount: classCount, speed: .init(dynamic: nil, fixedLargest: nil), hasPredictor: true,
            milliseconds: milliseconds, matched: costs)
        self.budget = budget.amount
        unit = budget.unit
        self.milliseconds = milliseconds
        description = "budget: \(try budget.description(costs))"
    }

    /// The λ whose mean cost is as close to the limit as it gets without exceeding it.
    ///
    /// - Throws: where times are such that a larger λ would not cost less.
    static func calibrate(_ weights: CostWeights, limit: Double, _ costs: ImageCosts, _ flops: FLOPsModel) throws -> Double {
        let columns = flops.resolutions.indices
        for first in columns {
            for second in columns
            where flops.classifier[first] > flops.classifier[second] && costs.classifier[first] < costs.classifier[second] {
                throw BudgetError.timesOutOfOrder(resolutions: flops.resolutions, milliseconds: costs.classifier)
            }
        }
        let sweep = weights.sweep(costs)
        guard let found = sweep.parameter(within: limit) else {
            throw BudgetError.timesOutOfOrder(resolutions: flops.resolutions, milliseconds: costs.classifier)
        }
        // Where nothing is to be changed, nothing is.
        return sweep.cost(found) == sweep.cost(0) ? 0 : found
    }

    /// A part of the images that depends on their number alone: every run on a folder calibrates on the same ones.
    static func split(_ results: [ImageResult], share: Double) throws -> (calibrating: [ImageResult], others: [ImageResult]) {
        let count = Int((share * Double(results.count)).rounded())
        guard count > 0, count < results.count else { throw BudgetError.nothingLeft(images: results.count, share: share) }
        var random = CounterRandom(seed: 0, purpose: .calibration)
        let chosen = Set(random.permutation(results.count).prefix(count))
        return (
            results.indices.filter(chosen.contains).map { results[$0] }, results.indices.filter { !chosen.contains($0) }.map { results[$0] }
        )
    }

    /// Everything, as a person reads it.
    public func text() -> String {
        """
        \(description)
        cost weight λ = \(String(format: "%.6g", costWeight)), calibrated on \(calibration.images) images: \
        \(Figures.threeDigits(calibration.gigaFLOPs)) GFLOPs and \(Figures.threeDigits(calibration.milliseconds)) ms an image
        the other \(evaluation.images) images:

        \(evaluation.text())
        """
    }

    /// Writes budget.json.
    public func save(to runFolder: RunFolder) throws {
        try JSON.write(self, to: runFolder.budget)
    }
}

extension [ImageResult] {
    /// What these images give at a cost weight λ; for results at every resolution, with the predictor's probabilities.
    public func routed(_ costWeight: Double, _ flops: FLOPsModel) -> [ImageResult] {
        zip(self, CostWeights(self, flops).choices(costWeight)).map { $0.routed(to: $1) }
    }
}
