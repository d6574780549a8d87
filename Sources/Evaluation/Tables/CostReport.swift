import Configuration
import DynamicResolution
import Interchange

/// Measured times beside multiply-adds, as a table.
public enum CostReport {
    public static func text(_ table: CostTable, _ flops: FLOPsModel) -> String {
        let (times, conditions) = (table.milliseconds, table.conditions)
        var rows = [["", "ms", "of largest", "GFLOPs", "of largest"]]
        func row(_ name: String, _ time: Double, _ cost: Double) -> [String] {
            [
                name, Figures.threeDigits(time), Figures.percent(time / times.largest) + " %", Figures.threeDigits(cost / 1e9),
                Figures.percent(cost / flops.largest) + " %",
            ]
        }
        for (index, resolution) in table.networks.resolutions.enumerated() {
            rows.append(row("\(table.networks.architecture) at \(resolution)", times.classifier[index], flops.classifier[index]))
        }
        if table.networks.decider != "none" { rows.append(row("decision", times.predictor, flops.predictor)) }
        return TextTable.render(rows) + "\n\nmedians of an image, batch size \(conditions.batchSize), "
            + "\(conditions.threads) \(conditions.threads == 1 ? "thread" : "threads") of \(conditions.processor); decision: "
            + table.networks.decider
    }
}
