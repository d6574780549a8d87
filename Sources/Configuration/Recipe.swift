/// A named set of values for many keys. Keys that the file or the command line sets come first; a recipe fills in others.
public enum Recipe: String, CaseIterable, Sendable {
    /// Fine-tunes a pretrained classifier on some thousand photographs. A threshold cascade decides, so there is no fine-tune stage.
    case fineTuneSmall = "fine-tune-small"

    /// The key that names a recipe.
    static let key = "recipe"

    /// The keys with their values in YAML. docs/configuration.md has the same table.
    var values: [(key: String, value: String)] {
        switch self {
        case .fineTuneSmall:
            return [
                ("data.augmentation.cropScale", "[0.35, 1]"),
                ("optimizer.kind", "adamw"),
                ("optimizer.batchSize", "32"),
                ("optimizer.weightDecay", "0.05"),
                ("optimizer.decaysNormAndBias", "false"),
                ("optimizer.layerDecay", "0.9"),
                ("optimizer.emaDecay", "0.999"),
                ("optimizer.labelSmoothing", "0.1"),
                ("stages.warmUp.epochs", "10"),
                ("stages.warmUp.distillation.weight", "0.5"),
                ("stages.warmUp.learningRate.base", "5e-4"),
                ("stages.warmUp.learningRate.warmUpEpochs", "1"),
                ("stages.warmUp.learningRate.referenceBatch", "32"),
                ("stages.warmUp.learningRate.batchScaling", "sqrt"),
            ]
        }
    }

    /// Fills keys that a configuration leaves out. A key that is null, such as a stage that was removed, stays null.
    func fill(_ root: ConfigurationNode) throws -> ConfigurationNode {
        var filled = root
        for (key, value) in values {
            filled.fill(key.split(separator: ".").map(String.init)[...], with: try ConfigurationDocument.overrideValue(value))
        }
        return filled
    }
}

extension ConfigurationNode {
    /// Sets the value at a path of keys, if nothing is there and only sections or nothing are on the way.
    fileprivate mutating func fill(_ keys: ArraySlice<String>, with value: ConfigurationNode) {
        guard let key = keys.first, entries != nil else { return }
        let rest = keys.dropFirst()
        if var entry = self[key] {
            guard !rest.isEmpty, entry.value.entries != nil else { return }
            entry.value.fill(rest, with: value)
            replace(entry)
        } else {
            var node = rest.isEmpty ? value : .empty
            if !rest.isEmpty { node.fill(rest, with: value) }
            set(key, node)
        }
    }
}
