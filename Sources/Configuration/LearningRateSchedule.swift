import Foundation

/// The learning rate over the epochs of a stage.
public struct LearningRateSchedule: Equatable, Sendable {
    /// The shape of the schedule.
    public enum Kind: String, CaseIterable, Sendable {
        case constant, cosine, step, milestones
    }

    public var base: Double
    public var kind: Kind
    /// Epochs in which the rate rises linearly to `base`. They are part of the stage's epochs.
    public var warmUpEpochs: Double
    /// `cosine`: the final rate, in units of `base`.
    public var finalFraction: Double
    /// `step`: the rate is multiplied by `factor` after every `everyEpochs` epochs, counted from the beginning of the stage.
    public var everyEpochs: Int
    /// `step` and `milestones`.
    public var factor: Double
    /// `milestones`: the rate is multiplied by `factor` after each of these numbers of epochs of the stage.
    public var milestones: [Int]
    /// The batch size that `base` is meant for; 0 to use `base` with any batch size.
    public var referenceBatch: Int
    public var batchScaling: BatchScaling
    /// The factor of all rates that follows from the batch size.
    public let batchFactor: Double

    /// How the learning rate depends on the batch size.
    public enum BatchScaling: String, CaseIterable, Sendable {
        /// Proportional to the batch size (Goyal et al., arXiv 1706.02677).
        case linear
        /// Proportional to its square root, which is usual for Adam.
        case squareRoot = "sqrt"
    }

    /// - Parameters:
    ///   - epochs: number of epochs of the stage.
    ///   - batchSize: images of a step.
    init(_ section: ConfigurationSection, epochs: Int, batchSize: Int) {
        base = section.number("base", .positive, about: "the learning rate at its highest")
        kind = section.choice("kind", default: .cosine, about: "the course of the rate over the stage")
        warmUpEpochs = section.number(
            "warmUpEpochs", default: 0, .notNegative, about: "epochs of linear increase to the base; part of the stage's epochs")
        finalFraction = section.number("finalFraction", default: 0, .fraction, about: "cosine: the final rate as a share of the base")
        everyEpochs = section.integer(
            "everyEpochs", default: 30, 1...100_000, about: "step: epochs between two multiplications by `factor`")
        factor = section.number("factor", default: 0.1, .positiveFraction, about: "step and milestones: what the rate is multiplied by")
        milestones = section.integers(
            "milestones", default: [], 1...100_000,
            about: """
                milestones: numbers of epochs of the stage, ascending; the rate is multiplied by `factor` after each, as by PyTorch's \
                `MultiStepLR`
                """)
        referenceBatch = section.integer(
            "referenceBatch", default: 0, 0...1_000_000,
            about: """
                the batch size that `base` is meant for. With another `optimizer.batchSize`, `base` is scaled. 0: it never is
                """)
        batchScaling = section.choice(
            "batchScaling", default: .linear,
            about: """
                `linear`: base · batchSize / referenceBatch. `sqrt`: base · √(batchSize / referenceBatch), which is usual with AdamW
                """)
        let relativeBatch = referenceBatch == 0 ? 1 : Double(batchSize) / Double(referenceBatch)
        batchFactor = batchScaling == .linear ? relativeBatch : relativeBatch.squareRoot()
        checkMilestones(section)
        if warmUpEpochs > Double(epochs) {
            section.report(
                "warmUpEpochs",
                "is \(ConfigurationText.number(warmUpEpochs)), but the stage has \(epochs) \(epochs == 1 ? "epoch" : "epochs"); "
                    + "it cannot be more")
        }
        section.finish()
    }

    private func checkMilestones(_ section: ConfigurationSection) {
        if kind == .milestones && milestones.isEmpty {
            section.report("milestones", "is missing; kind milestones takes the epochs after which the rate falls, such as [30, 60]")
        }
        if kind != .milestones && !milestones.isEmpty {
            section.report("milestones", "is \(milestones), but kind is \(kind.rawValue): set kind to milestones, or remove the key")
        }
        if !zip(milestones, milestones.dropFirst()).allSatisfy({ $0 < $1 }) {
            section.report("milestones", "is \(milestones); list each epoch once, the first one first")
        }
    }

    /// The rate after a fractional number of epochs of a stage.
    public func rate(at epoch: Double, of epochs: Int) -> Double {
        let base = base * batchFactor
        if epoch < warmUpEpochs {
            // At least a thousandth of the rate, so that the first update has an effect.
            return base * max(epoch / warmUpEpochs, 1e-3)
        }
        switch kind {
        case .constant:
            return base
        case .step:
            return base * pow(factor, Double(Int(epoch) / everyEpochs))
        case .milestones:
            return base * pow(factor, Double(milestones.filter { Double($0) <= epoch }.count))
        case .cosine:
            let span = max(Double(epochs) - warmUpEpochs, 1e-9)
            let progress = min(max((epoch - warmUpEpochs) / span, 0), 1)
            return base * (finalFraction + (1 - finalFraction) * 0.5 * (1 + cos(.pi * progress)))
        }
    }

    var text: ConfigurationText {
        .section([
            ("base", .value(base)), ("kind", .scalar(kind.rawValue)), ("warmUpEpochs", .value(warmUpEpochs)),
            ("finalFraction", .value(finalFraction)), ("everyEpochs", .value(everyEpochs)), ("factor", .value(factor)),
            ("milestones", .value(milestones)), ("referenceBatch", .value(referenceBatch)),
            ("batchScaling", .scalar(batchScaling.rawValue)),
        ])
    }
}
