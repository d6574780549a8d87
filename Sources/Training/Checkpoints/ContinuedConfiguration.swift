import Configuration
import Inference

/// Compares the configuration of a resumed run with the one that it was trained with so far.
///
/// A changed key is taken over from here on, ignored, or refused. docs/checkpoints.md lists the keys. `RunIdentity` compares the settings
/// that order and number of steps depend on.
struct ContinuedConfiguration {
    /// A value that held until a step.
    struct Change: Codable, Equatable, Sendable {
        var key: String
        var old: String
        /// The step of the run after which another value holds.
        var untilStep: Int

        /// The comment in config.yaml.
        var comment: String { "until step \(untilStep): \(key): \(old)" }
    }

    private enum Treatment {
        case takenOver
        case ignored
        case refused(String)
    }

    /// Sentences for a person.
    private(set) var notes: [String] = []
    /// The values that the run has from here on.
    private(set) var values: [String: String]
    /// Values that end here.
    private(set) var changes: [Change] = []
    /// Values of ignored keys, which stay as they were.
    private var kept: [String: String] = [:]

    /// - Parameters:
    ///   - new: the configuration of this start.
    ///   - old: the values of the run so far.
    ///   - position: of the checkpoint.
    ///   - stagnates: whether the stage of the position ends early.
    ///   - folder: the run folder, for messages.
    /// - Throws: `ContinuationError` if a key cannot change any more.
    init(
        _ new: TrainingConfiguration, replacing old: [String: String], at position: TrainingPosition,
        stagnates: Bool = false, folder: String
    ) throws {
        values = new.values
        let progress = Progress(position: position, plans: StagePlan.plans(new.stages), stagnates: stagnates)
        var refused: [String] = []
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let before = old[key], before != value, !Self.isCost(key) else { continue }
            switch progress.treatment(of: key) {
            case .takenOver:
                notes.append("\(key) is \(value) from here on, was \(before)")
                changes.append(Change(key: key, old: before, untilStep: position.runStep))
            case .ignored:
                notes.append("\(key) is ignored: only the beginning of a run uses it. It stays \(before)")
                kept[key] = before
            case .refused(let reason):
                refused.append("\(key) is \(value), was \(before) (\(reason))")
            }
        }
        if let change = Self.changedCosts(new.values, old) { refused.append(change) }
        guard refused.isEmpty else { throw ContinuationError(folder: folder, refused: refused) }
        values.merge(kept) { $1 }
    }

    private static func isCost(_ key: String) -> Bool { key == "policy.cost" || key.hasPrefix("policy.cost.") }

    /// The unit of the costs, and the times of a table, belong to the run: the multiplier, λ and the best score depend on them. The keys
    /// themselves differ between `flops` and a table, so they are compared together. Runs of earlier builds have neither.
    ///
    /// - Returns: the end of a sentence; nil without a change.
    private static func changedCosts(_ new: [String: String], _ old: [String: String]) -> String? {
        let (new, old) = (new.filter { isCost($0.key) }, old.filter { isCost($0.key) })
        let before = old.isEmpty ? ["policy.cost": "flops"] : old
        guard new != before else { return nil }
        func text(_ values: [String: String]) -> String {
            values["policy.cost"] ?? "a table of \(values["policy.cost.classifierMilliseconds"] ?? "other") ms"
        }
        return "policy.cost is \(text(new)), was \(text(before)) (the multiplier, λ and the best score depend on it; "
            + "config.yaml in the run folder contains the table)"
    }

    /// How far the run is, which decides what can still change.
    private struct Progress {
        var position: TrainingPosition
        var plans: [StagePlan]
        /// The stage of the position ends early.
        var stagnates: Bool

        private var isComplete: Bool {
            position.stage >= plans.count
                || position.stage == plans.count - 1 && (stagnates || position.epoch >= plans[position.stage].epochs)
        }

        func treatment(of key: String) -> Treatment {
            let change = KeyChange(key)
            if change == .never, !KeyChange.comparedElsewhere.contains(key) {
                return .refused(
                    key == "optimizer.kind"
                        ? "the checkpoint has the other optimiser's state" : "the checkpoint's networks or images depend on it")
            }
            if change == .atTheStart || change == .beforeFineTuning && hasBegunFineTuning { return .ignored }
            let parts = key.split(separator: ".").map(String.init)
            if parts[0] == "stages", let index = plans.firstIndex(where: { $0.name == parts[1] }) {
                if index < position.stage { return .refused("this stage is finished") }
                if index == position.stage, plans[index].epochs < position.epoch {
                    return .refused("\(position.epoch) epochs of this stage are trained already")
                }
                if isComplete && parts.last != "epochs" { return .refused("the run is complete") }
                return .takenOver
            }
            if isComplete && change != .always { return .refused("the run is complete") }
            return .takenOver
        }

        private var hasBegunFineTuning: Bool {
            plans.prefix(position.stage + 1).enumerated().contains { index, plan in
                plan.usesPredictor && (index < position.stage || position.epoch > 0 || position.step > 0)
            }
        }
    }
}

/// A resumed run has other values of keys that cannot change any more.
struct ContinuationError: Error, CustomStringConvertible {
    var folder: String
    var refused: [String]

    var description: String {
        "\(folder): these keys cannot change when the run continues: \(refused.joined(separator: "; ")). Resume with the old values (see "
            + "config.yaml in the run folder), or train further in a new run folder from this run's weights: add "
            + "--set classifier.pretrained=\(folder), and predictor.pretrained likewise, without --resume"
    }
}
