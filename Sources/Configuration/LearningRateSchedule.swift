import Foundation

/// The learning rate over the epochs of a stage.
public struct LearningRateSchedule: Equatable, Sendable {
    /// The shape of the schedule.
    public enum Kind: String, CaseIterable, Sendable {
        case constant, cosine, step
    }

    public var base: Double
    public var kind: Kind
    /// Epochs in which the rate rises linearly to `base`. They are part of the stage's epochs.
    public var warmUpEpochs: Double
    /// `cosine`: the final rate, in units of `base`.
    public var finalFraction: Double
    /// `step`: the rate is multiplied by `factor` after every `everyEpochs` epochs, counted from the beginning of the stage.
    public var everyEpochs: Int
    public var factor: Double

    /// - Parameter epochs: number of epochs of the stage.
    init(_ section: ConfigurationSection, epochs: Int) {
        base = section.number("base", .positive)
        kind = section.choice("kind", default: .cosine)
        warmUpEpochs = section.number("warmUpEpochs", default: 0, .notNegative)
        finalFraction = section.number("finalFraction", default: 0, .fraction)
        everyEpochs = section.integer("everyEpochs", default: 30, 1...100_000)
        factor = section.number("factor", default: 0.1, .positiveFraction)
        if warmUpEpochs > Double(epochs) {
            section.report(
                "warmUpEpochs",
                "is \(ConfigurationText.number(warmUpEpochs)), but the stage has \(epochs) \(epochs == 1 ? "epoch" : "epochs"); "
                    + "it cannot be more")
        }
        section.finish()
    }

    /// The rate after a fractional number of epochs of a stage.
    public func rate(at epoch: Double, of epochs: Int) -> Double {
        if epoch < warmUpEpochs {
            // At least a thousandth of the rate, so that the first update has an effect.
            return base * max(epoch / warmUpEpochs, 1e-3)
        }
        switch kind {
        case .constant:
            return base
        case .step:
            return base * pow(factor, Double(Int(epoch) / everyEpochs))
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
        ])
    }
}
