import DynamicResolution

/// Checks of warm starts and frozen networks: each needs weights that have been trained.
extension TrainingConfiguration {
    /// Reports warm starts and frozen networks without trained weights, and combinations that exclude each other.
    func checkStartingPoints(_ section: ConfigurationSection) {
        checkDecider(section)
        if predictor.warmStart {
            checkOrigin(section.section("predictor"), "warmStart", is: "true", "the classifier would be untrained")
        }
        if predictor.warmStart && predictor.kind == .network && stages.fineTune == nil {
            section.section("predictor").report("warmStart", "is true, but without stages.fineTune there is no predictor")
        }
        if predictor.warmStart && predictor.pretrained != nil {
            section.section("predictor").report(
                "warmStart", "is true, but predictor.pretrained defines the predictor's initial weights: remove one of them")
        }
        if policy.heldOutParts > 1 && stages.fineTune?.freeze != .classifier {
            section.section("policy").report(
                "heldOutParts",
                "is \(policy.heldOutParts), but the images are held out only if the classifier does not learn from them: set "
                    + "stages.fineTune.freeze to classifier")
        }
        switch stages.fineTune?.freeze ?? FrozenPart.none {
        case .none: break
        case .classifier: checkFrozenClassifier(section)
        case .predictor: checkFrozenPredictor(section)
        }
    }

    /// Reports settings of the decider that exclude each other.
    private func checkDecider(_ section: ConfigurationSection) {
        let own = section.section("predictor")
        if predictor.warmStart && predictor.kind != .network {
            own.report("warmStart", "is true, but predictor.kind \(predictor.kind.rawValue) has no layers to copy: remove the key")
        }
        switch predictor.kind {
        case .none:
            if stages.fineTune != nil {
                own.report(
                    "kind", "is none, but stages.fineTune trains a decider: remove that stage, or set predictor.kind to network or cascade")
            }
        case .network:
            if predictor.architecture == .classifier && predictor.blocks > classifier.architecture.blocks {
                own.report(
                    "blocks",
                    "is \(predictor.blocks), but \(classifier.architecture.rawValue) has \(classifier.architecture.blocks) blocks")
            }
        case .cascade:
            if predictor.head == .threshold && stages.fineTune != nil {
                own.report(
                    "head",
                    "is threshold, which has nothing to train in stages.fineTune: remove that stage, or set predictor.head to learned")
            }
            if resolutions.count < 2 { section.report("resolutions", "has one resolution, but predictor.kind cascade needs two at least") }
        }
    }

    private func checkFrozenClassifier(_ section: ConfigurationSection) {
        let stage = section.section("stages").section("fineTune")
        checkOrigin(stage, "freeze", is: "classifier", "the classifier would keep its random initial weights")
        if policy.estimator == .expected && policy.batchNormImages == .all {
            stage.report(
                "freeze", "is classifier, but policy.batchNormImages all changes the classifier's running statistics: remove that key")
        }
    }

    private func checkFrozenPredictor(_ section: ConfigurationSection) {
        let stage = section.section("stages").section("fineTune")
        if predictor.pretrained == nil {
            stage.report("freeze", "is predictor, but the predictor is untrained: set predictor.pretrained, or freeze the classifier")
        }
        if policy.batchNormImages == .all {
            stage.report(
                "freeze",
                "is predictor, which runs each image only at the resolution that it chooses, but "
                    + (policy.estimator == .expected ? "policy.batchNormImages all" : "policy.estimator \(policy.estimator.rawValue)")
                    + " needs every resolution: remove that key")
        }
        if policy.flopsPenalty == .lagrangian {
            stage.report(
                "freeze",
                "is predictor, but policy.flopsPenalty lagrangian would change its multiplier without a limit, because the cost cannot "
                    + "change: remove that key")
        }
    }

    /// Reports a key that needs a trained classifier, unless warm-up trains one or a file provides one.
    private func checkOrigin(_ section: ConfigurationSection, _ key: String, is value: String, _ reason: String) {
        guard stages.warmUp == nil && classifier.pretrained == nil else { return }
        section.report(key, "is \(value), but \(reason): add stages.warmUp, or set classifier.pretrained")
    }

    /// Reports a warm start that copies no layer. The configuration must be valid otherwise.
    func checkWarmStart(_ section: ConfigurationSection) {
        guard predictor.warmStart, !hasWarmStart else { return }
        section.section("predictor").report(
            "warmStart",
            "is true, but the stem of classifier.architecture \(classifier.architecture.rawValue) at width "
                + "\(ConfigurationText.number(classifier.width)) does not have the shape of the predictor's stem: choose "
                + "predictor.widths to match, or remove the key"
        )
    }
}
