import DynamicResolution

extension TrainingConfiguration {
    /// What a table of times must have been measured on.
    package var costNetworks: CostTable.Networks {
        CostTable.Networks(
            architecture: classifier.architecture.rawValue, width: classifier.width, resolutions: resolutions,
            decider: deciderDescription)
    }

    /// What chooses resolutions, in words.
    private var deciderDescription: String {
        switch decider {
        case nil: return "none"
        case .cascade(.threshold): return "cascade by a threshold"
        case .cascade(.learned): return "cascade by a learned head with \(predictor.hiddenUnits) hidden units"
        case .network(let size):
            let layers =
                predictor.architecture == .residual
                ? "residual network \(predictor.widths)" : "the first \(predictor.blocks) blocks of the classifier"
            return "\(layers) at \(size) pixels"
        }
    }

    /// Reports a table of other networks, and a target in another unit than the table's.
    func checkCosts(_ section: ConfigurationSection) {
        guard let table = policy.costTable else { return }
        let own = section.section("policy")
        let (found, needed) = (table.networks, costNetworks)
        var differences: [String] = []
        func compare(_ name: String, _ found: String, _ needed: String) {
            if found != needed { differences.append("\(name) is \(needed), and the table has \(found)") }
        }
        compare("classifier.architecture", found.architecture, needed.architecture)
        compare("classifier.width", ConfigurationText.number(found.width), ConfigurationText.number(needed.width))
        compare("resolutions", "\(found.resolutions)", "\(needed.resolutions)")
        compare("the decider", found.decider, needed.decider)
        if differences.isEmpty, table.milliseconds.isCascade != (decider?.isCascade ?? false) {
            differences.append("isCascade is \(table.milliseconds.isCascade), which does not fit the decider")
        }
        if !differences.isEmpty {
            own.report(
                "cost",
                "was measured on other networks: \(differences.joined(separator: "; ")). Measure this configuration with "
                    + "'drnet measure-costs'")
        }
        if case .multiplyAdds(let count) = policy.flopsTarget {
            own.report(
                "flopsTarget",
                "is \(ComputeCost.text(multiplyAdds: count)) multiply-adds, but policy.cost is a table of milliseconds: write a share "
                    + "of the largest resolution's time, such as 0.6")
        }
    }
}

extension TrainingConfiguration.PolicyOptions {
    /// Reads `cost`: `flops`, the path of a table, or the table itself, as a resolved configuration has it.
    ///
    /// - Returns: nil for `flops`.
    static func costTable(_ section: ConfigurationSection) -> CostTable? {
        section.declare(
            "cost", "`flops`, or the path of a table", "flops",
            """
            what decisions, the target and the penalty weigh. `flops`: multiply-adds. The path of a table of `drnet measure-costs`: \
            milliseconds ([deployment.md](deployment.md#milliseconds-in-place-of-multiply-adds)). `config.yaml` of a run contains the \
            table itself
            """)
        guard let node = section.value("cost") else { return nil }
        if node.entries != nil { return CostTable(section.section("cost")) }
        guard let path = section.optionalText("cost"), path != "flops" else { return nil }
        do {
            return try CostTable.read(path)
        } catch {
            section.report(
                "cost",
                "is neither flops nor a table of milliseconds: \(error). 'drnet measure-costs' writes a table. The config.yaml of a run "
                    + "that was trained with one contains its numbers")
            return nil
        }
    }
}
