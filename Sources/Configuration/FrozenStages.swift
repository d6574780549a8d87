import NeuralNetwork

/// Checks of `classifier.freezeStages`.
extension TrainingConfiguration {
    /// Reports frozen stages that the classifier does not have, or that would keep random weights.
    func checkFrozenStages(_ section: ConfigurationSection) {
        guard classifier.freezeStages > 0 else { return }
        let key = section.section("classifier")
        let count = classifierDefinition(classCount: 1).stageCount
        if classifier.freezeStages > count {
            key.report(
                "freezeStages",
                "is \(classifier.freezeStages); \(classifier.architecture.rawValue) has \(count) stages before its last layer, "
                    + "with the stem")
        }
        if classifier.pretrained == nil {
            key.report(
                "freezeStages",
                "is \(classifier.freezeStages), but these stages would keep their random initial weights: set classifier.pretrained")
        }
    }
}
