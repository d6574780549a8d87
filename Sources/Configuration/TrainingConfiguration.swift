import DynamicResolution
import Foundation

/// The configuration of a run, read from a YAML file and checked. The properties have the names of the keys, which docs/configuration.md
/// describes.
public struct TrainingConfiguration: Equatable, Sendable {
    /// The recipe that filled in keys which the file left out; nil without one. The other properties have its values already.
    public var recipe: Recipe?
    public var seed: UInt64
    /// Whether the parameters have the same bits at any number of ranks.
    public var deterministic: Bool
    /// Candidate resolutions in pixels, largest first.
    public var resolutions: [Int]
    public var data: DataOptions
    public var classifier: ClassifierOptions
    public var predictor: PredictorOptions
    public var batchNorm: BatchNormOptions
    public var policy: PolicyOptions
    public var optimizer: OptimizerOptions
    public var loss: LossOptions
    public var distillation: DistillationOptions
    public var stages: StagesOptions
    public var divergence: DivergenceOptions
    public var checkpoints: CheckpointOptions
    public var evaluation: EvaluationOptions
    public var kernels: KernelOptions
    public var communication: CommunicationOptions
    public var metrics: MetricsOptions

    /// Reads and checks a configuration. Builds no network.
    ///
    /// - Parameters:
    ///   - path: of the YAML file.
    ///   - overrides: "key.path=value" each, with the value in YAML.
    /// - Throws: `ConfigurationError` with all problems.
    public static func load(path: String, overrides: [String]) throws -> TrainingConfiguration {
        try load(text: try YAMLBytes.text(ofFile: path), path: path, overrides: overrides)
    }

    /// Reads and checks the bytes of a configuration.
    ///
    /// - Parameters:
    ///   - bytes: the contents of the file.
    ///   - path: its name, for messages.
    ///   - overrides: "key.path=value" each, with the value in YAML.
    /// - Throws: `ConfigurationError` with all problems.
    package static func load(bytes: Data, path: String, overrides: [String]) throws -> TrainingConfiguration {
        try load(text: try YAMLBytes.text(bytes, path: path), path: path, overrides: overrides)
    }

    /// Reads and checks the text of a configuration.
    ///
    /// - Parameters:
    ///   - text: the YAML text.
    ///   - path: its file, for messages.
    ///   - overrides: "key.path=value" each, with the value in YAML.
    /// - Throws: `ConfigurationError` with all problems.
    package static func load(text: String, path: String, overrides: [String]) throws -> TrainingConfiguration {
        let document = try ConfigurationDocument(text, path: path, overrides: overrides)
        let section = document.section()
        let configuration = TrainingConfiguration(section)
        section.finish()
        configuration.check(section)
        // These checks need the definitions of the networks, which exist only for valid values.
        if document.problems.isEmpty {
            configuration.checkFrozenStages(section)
            configuration.checkTarget(section)
            configuration.checkWarmStart(section)
        }
        guard document.problems.isEmpty else { throw ConfigurationError(problems: document.problems) }
        return configuration
    }

    init(_ section: ConfigurationSection) {
        recipe = section.optionalChoice(Recipe.key, about: "a named set of values for keys that the file leaves out, [see below](#recipes)")
        seed = UInt64(section.integer("seed", default: 1, 0...Int.max, about: "the source of all random numbers"))
        deterministic = section.boolean(
            "deterministic", default: false,
            about: """
                true: parameters, optimiser state and running statistics have the same bits at any number of ranks that divides \
                `communication.logicalRanks`. It costs time and memory ([communication.md](communication.md)). It needs `kernels.products: \
                tiles` or `openblas`, because `auto` can select another implementation in another run
                """)
        resolutions = section.integers(
            "resolutions", 8...2048,
            about: """
                candidate sizes in pixels, largest first; at least two if there is a fine-tune stage. Sizes that are not multiples of 32 \
                cost more than their pixels; the run and `drnet info` warn
                """)
        data = DataOptions(section.section("data"))
        classifier = ClassifierOptions(section.section("classifier"))
        batchNorm = BatchNormOptions(section.section("batchNorm"), classifier.architecture)
        optimizer = OptimizerOptions(section.section("optimizer"))
        stages = StagesOptions(section.section("stages"), batchSize: optimizer.batchSize)
        // Without a stage that trains a decider, a threshold on the classifier's confidence needs none (docs/policy.md has the comparison).
        let untrained: PredictorKind = resolutions.count > 1 ? .cascade : .none
        predictor = PredictorOptions(section.section("predictor"), usualKind: stages.fineTune == nil ? untrained : .network)
        policy = PolicyOptions(section.section("policy"), frozen: stages.fineTune?.freeze ?? .none)
        loss = LossOptions(section.section("loss"))
        distillation = DistillationOptions(section.section("distillation"), largestResolution: resolutions[0])
        divergence = DivergenceOptions(section.section("divergence"))
        checkpoints = CheckpointOptions(section.section("checkpoints"))
        evaluation = EvaluationOptions(section.section("evaluation"))
        kernels = KernelOptions(section.section("kernels"))
        communication = CommunicationOptions(section.section("communication"))
        metrics = MetricsOptions(section.section("metrics"))
    }

    /// Checks of several keys together.
    private func check(_ section: ConfigurationSection) {
        if !zip(resolutions, resolutions.dropFirst()).allSatisfy({ $0 > $1 }) {
            section.report("resolutions", "is \(resolutions); list each resolution once, largest first")
        }
        if stages.warmUp == nil && stages.fineTune == nil && stages.recalibrate == nil {
            section.report("stages", "has no stage; set at least one of warmUp, fineTune, recalibrate")
        }
        if stages.fineTune != nil && resolutions.count < 2 {
            section.report("resolutions", "has one resolution, but stages.fineTune needs a choice: list two at least")
        }
        if let stage = stages.fineTune, policy.flopsWarmUpEpochs > Double(stage.epochs) {
            section.section("policy").report(
                "flopsWarmUpEpochs",
                "is \(ConfigurationText.number(policy.flopsWarmUpEpochs)), but stages.fineTune has \(stage.epochs) "
                    + "\(stage.epochs == 1 ? "epoch" : "epochs"); it cannot be more")
        }
        checkStartingPoints(section)
        if data.resizeRatios.count > 1 && data.resizeRatios.count != resolutions.count {
            section.section("data").report(
                "resizeRatio",
                "has \(data.resizeRatios.count) numbers, but there are \(resolutions.count) resolutions; "
                    + "list one for each, or write a single number")
        }
        checkDistillation(section)
        checkCosts(section)
        if kernels.precision == .bfloat16 && kernels.products == .openblas {
            section.section("kernels").report(
                "precision", "is bfloat16, but kernels.products is openblas, which computes in 32 bits; set kernels.products to tiles")
        }
        if deterministic && kernels.precision == .auto {
            section.section("kernels").report(
                "precision", "is auto, but deterministic is true: another run can select the other one; set float32 or bfloat16")
        }
        if deterministic && kernels.products == .auto {
            section.report(
                "deterministic",
                "is true, but kernels.products is auto: a measurement selects the implementation, and another run can select the other "
                    + "one; set kernels.products to tiles or openblas")
        }
        if deterministic && communication.balance != .none {
            section.report(
                "deterministic",
                "is true, but communication.balance is \(communication.balance.rawValue): images that move change the order of sums; leave "
                    + "out one of them")
        }
        if deterministic && communication.gradients == .bfloat16 {
            section.report(
                "deterministic",
                "is true, but communication.gradients is bfloat16: rounded sums depend on the number of ranks; leave out one of them")
        }
        if optimizer.batchSize % optimizer.accumulationSteps != 0 {
            section.report(
                "optimizer",
                "has batchSize \(optimizer.batchSize), which accumulationSteps \(optimizer.accumulationSteps) "
                    + "does not divide")
        }
        if optimizer.nesterov && optimizer.kind == .adamW {
            section.report("optimizer", "has nesterov, but kind adamw has no momentum of that kind; remove the key")
        }
        if optimizer.nesterov && optimizer.momentum == 0 {
            section.report("optimizer", "has nesterov without momentum; set momentum above 0")
        }
    }

    /// Reports a target that no choice of resolutions can reach. The number of classes is not known here; one class gives the lowest cost.
    private func checkTarget(_ section: ConfigurationSection) {
        guard decider != nil else { return }
        do {
            _ = try FLOPsRegularizer(policy, FLOPsModel(self, classCount: 1))
        } catch {
            section.section("policy").report("flopsTarget", error.problem)
        }
    }

    /// The same configuration without files of pretrained weights, for networks whose weights come from a checkpoint.
    package var withoutPretrained: TrainingConfiguration {
        var copy = self
        copy.classifier.pretrained = nil
        copy.predictor.pretrained = nil
        return copy
    }

    /// The configuration as YAML, with every default filled in. Loading it gives an equal configuration.
    public func yaml() -> String {
        text.lines().joined(separator: "\n") + "\n"
    }

    /// The values of all keys as YAML text, by their paths such as "optimizer.batchSize". A stage that is left out has one key.
    package var values: [String: String] {
        Dictionary(text.values().map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// The configuration as YAML, with other values for some keys, after lines of comments.
    package func yaml(replacing values: [String: String], comments: [String]) -> String {
        (comments.map { "# \($0)" } + text.replacing(values).lines()).joined(separator: "\n") + "\n"
    }

    var text: ConfigurationText {
        .section([
            ("seed", .scalar(String(seed))), ("deterministic", .value(deterministic)), (Recipe.key, .value(recipe?.rawValue)),
            ("resolutions", .value(resolutions)),
            ("data", data.text),
            ("classifier", classifier.text), ("predictor", predictor.text), ("batchNorm", batchNorm.text),
            ("policy", policy.text), ("optimizer", optimizer.text), ("loss", loss.text),
            ("distillation", distillation.text), ("stages", stages.text),
            ("divergence", divergence.text), ("checkpoints", checkpoints.text), ("evaluation", evaluation.text), ("kernels", kernels.text),
            ("communication", communication.text),
            ("metrics", metrics.text),
        ])
    }
}
