import DynamicResolution
import Foundation
import Inference
import Interchange
import Randomness

/// A trained DRNet that meets a budget without further training. λ is calibrated on one part of the images; the report covers the others.
public struct BudgetEvaluation: Encodable {
    /// The costs on the calibration images.
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
    /// Of an image on one rank, as measured.
    public let milliseconds: ImageCosts
    /// On the images that were not used for calibration.
    public var evaluation: Evaluation
    /// The same images, routed with `costWeight`.
    public let results: [ImageResult]
    private let description: String

    enum CodingKeys: CodingKey {
        case budget, unit, costWeight, calibration, milliseconds, evaluation
    }

    /// - Parameters:
    ///   - results: of every image at every resolution, with the decider's scores.
    ///   - weighed: the costs that decisions weigh.
    ///   - calibrationShare: the share of the images for calibration, between 0 and 1.
    ///   - unitOfShares: of a budget that is a share of the largest resolution's cost.
    /// - Throws: `BudgetError`.
    public init(
        _ budget: Budget, results: [ImageResult], flops: FLOPsModel, weighed: ImageCosts, milliseconds: ImageCosts,
        calibrationShare: Double, classCount: Int, unitOfShares: CostUnit = .multiplyAdds
    ) throws {
        let (calibrating, others) = try Self.split(results, share: calibrationShare)
        let gigaFLOPs = ImageCosts.gigaFLOPs(flops)
        let costs = budget.unit == .milliseconds || budget.unit == .share && unitOfShares == .milliseconds ? milliseconds : gigaFLOPs
        let weights = CostWeights(calibrating, weighed)
        costWeight = try Self.calibrate(weights, limit: try budget.limit(costs), costs, weighed, resolutions: flops.resolutions)
        let shares = weights.shares(costWeight)
        calibration = Calibration(
            images: calibrating.count, gigaFLOPs: gigaFLOPs.mean(shares: shares), milliseconds: milliseconds.mean(shares: shares))
        self.results = others.routed(costWeight, weighed)
        evaluation = Evaluation(
            results: self.results, flops: flops, classCount: classCount, speed: .init(dynamic: nil, fixedLargest: nil), hasDecider: true,
            milliseconds: milliseconds, matched: costs)
        self.budget = budget.amount
        unit = budget.unit
        self.milliseconds = milliseconds
        description = "budget: \(budget.description(costs, costs == gigaFLOPs ? .multiplyAdds : .milliseconds))"
    }

    /// The λ with the largest mean cost that does not exceed the limit.
    ///
    /// - Throws: `BudgetError.timesOutOfOrder` if a larger λ could cost more, because a smaller resolution took more time.
    static func calibrate(
        _ weights: CostWeights, limit: Double, _ costs: ImageCosts, _ weighed: ImageCosts, resolutions: [Int]
    ) throws -> Double {
        try requireOrder(costs, weighed, resolutions: resolutions)
        let sweep = weights.sweep(costs)
        guard let found = sweep.parameter(within: limit) else {
            throw BudgetError.timesOutOfOrder(resolutions: resolutions, milliseconds: costs.classifier)
        }
        // Prefer the predictor's own choices if they cost the same.
        return sweep.cost(found) == sweep.cost(0) ? 0 : found
    }

    /// Refuses costs in another order than the weighed ones: a choice that weighs more must not cost less.
    ///
    /// - Throws: `BudgetError.timesOutOfOrder`.
    static func requireOrder(_ costs: ImageCosts, _ weighed: ImageCosts, resolutions: [Int]) throws {
        for first in resolutions.indices {
            for second in resolutions.indices
            where weighed.choices[first] > weighed.choices[second] && costs.choices[first] < costs.choices[second] {
                throw BudgetError.timesOutOfOrder(resolutions: resolutions, milliseconds: costs.classifier)
            }
        }
    }

    /// Selects the calibration images. The selection depends only on their number, so all runs on a folder use the same images.
    static func split(_ results: [ImageResult], share: Double) throws -> (calibrating: [ImageResult], others: [ImageResult]) {
        let count = Int((share * Double(results.count)).rounded())
        guard count > 0, count < results.count else { throw BudgetError.nothingLeft(images: results.count, share: share) }
        var random = CounterRandom(seed: 0, purpose: .calibration)
        let chosen = Set(random.permutation(results.count).prefix(count))
        return (
            results.indices.filter(chosen.contains).map { results[$0] }, results.indices.filter { !chosen.contains($0) }.map { results[$0] }
        )
    }

    /// Budget, λ, calibration and table, for the console.
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
    /// The smallest λ at which the mean cost of the choices, without the decider's own network, is at most `meanChoice`; the largest λ that
    /// changes a choice if none is. No label is used.
    ///
    /// - Parameter weighed: the costs that decisions weigh.
    public func costWeight(meanChoice: Double, _ weighed: ImageCosts) -> Double {
        let sweep = CostWeights(self, weighed).sweep(weighed.deciding(isCascade: weighed.isCascade, predictor: 0))
        return sweep.parameter(within: meanChoice) ?? sweep.parameters.last ?? 0
    }

    /// The results at a cost weight λ. They must have the answers at every resolution and the decider's scores.
    ///
    /// - Parameter weighed: the costs that decisions weigh.
    public func routed(_ costWeight: Double, _ weighed: ImageCosts) -> [ImageResult] {
        zip(self, CostWeights(self, weighed).choices(costWeight)).map { $0.routed(to: $1) }
    }
}
