import DynamicResolution

/// What warm starts and frozen parts presuppose.
extension TrainingConfiguration {
    func checkStartingPoints(_ section: ConfigurationSection) {
        if predictor.warmStart {
            checkOrigin(section.section("predictor"), "warmStart", is: "true", "the classifier would know nothing yet")
        }
        if predictor.warmStart && stages.fineTune == nil {
            section.section("predictor").report("warmStart", "is true, but without stages.fineTune there is no predictor")
        }
        if predictor.warmStart && predictor.pretrained != nil {
            section.section("predictor").report(
                "warmStart", "is true, but predictor.pretrained says what the predictor starts from: leave one of them out")
        }
        switch stages.fineTune?.freeze ?? FrozenPart.none {
        case .none: break
        case .classifier: checkFrozenClassifier(section)
        case .predictor: checkFrozenPredictor(section)
        }
    }

    private func checkFrozenClassifier(_ section: ConfigurationSection) {
        let stage = section.section("stages").section("fineTune")
        checkOrigin(stage, "freeze", is: "classifier", "it would stay as it was drawn at random")
        if policy.estimator == .expected && policy.batchNormImages == .all {
            stage.report(
                "freeze", "is classifier, but policy.batchNormImages all is to change its running statistics: leave that key out")
        }
    }

    private func checkFrozenPredictor(_ section: ConfigurationSection) {
        let stage = section.section("stages").section("fineTune")
        if predictor.pretrained == nil {
            stage.report("freeze", "is predictor, but it has learnt nothing yet: give predictor.pretrained, or freeze the classifier")
        }
        if policy.batchNormImages == .all {
            stage.report(
                "freeze",
                "is predictor, which runs every image at the resolution that it chooses alone, but "
                    + (policy.estimator == .dense ? "policy.estimator dense" : "policy.batchNormImages all")
                    + " asks for every resolution: leave that key out")
        }
        if policy.flopsPenalty == .lagrangian {
            stage.report(
                "freeze",
                "is predictor, but policy.flopsPenalty lagrangian would raise or lower its multiplier without end: no cost can change; "
                    + "leave that key out")
        }
    }

    /// Reports a key that needs a classifier which has learnt something, where there is none.
    private func checkOrigin(_ section: ConfigurationSection, _ key: String, is value: String, _ reason: String) {
        guard stages.warmUp == nil && classifier.pretrained == nil else { return }
        section.report(key, "is \(value), but \(reason): add stages.warmUp, or give classifier.pretrained")
    }

    /// For networks that can be built.
    func checkWarmStart(_ section: ConfigurationSection) {
        guard predictor.warmStart, !hasWarmStart else { return }
        section.section("predictor").report(
            "warmStart",
            "is true, but not even the stem of classifier.architecture \(classifier.architecture.rawValue) at width "
                + "\(ConfigurationText.number(classifier.width)) has the shape of the predictor's: choose predictor.widths alike, or leave the key out"
        )
    }
}
