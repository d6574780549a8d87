import DynamicResolution

/// The mean costs of a report's images. Training weighs multiply-adds or milliseconds; multiply-adds are reported in any case.
enum ReportedCosts {
    case multiplyAdds
    /// - Parameter choices: the classifier's multiply-adds for an image, by its chosen resolution.
    case milliseconds(choices: [Double])

    init(_ model: DRNet) {
        switch model.costUnit {
        case .multiplyAdds: self = .multiplyAdds
        case .milliseconds: self = .milliseconds(choices: model.flops.choices)
        }
    }

    /// 10⁹ multiply-adds of an image: as the regulariser sees them or, if it sees milliseconds, at the chosen resolutions.
    func gigaFLOPs(_ report: StepReport) -> Double {
        switch self {
        case .multiplyAdds: return report.meanCost / 1e9
        case .milliseconds(let choices): return zip(report.shares, choices).reduce(0) { $0 + $1.0 * $1.1 } / 1e9
        }
    }

    /// As the regulariser sees them; nil if it sees multiply-adds.
    func milliseconds(_ report: StepReport) -> Double? {
        if case .milliseconds = self { return report.meanCost }
        return nil
    }
}
