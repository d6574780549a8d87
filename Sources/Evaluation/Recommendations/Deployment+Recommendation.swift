import Configuration
import DynamicResolution
import Inference
import Interchange

extension Deployment {
    /// The deployment that a recommendation chose.
    ///
    /// - Parameters:
    ///   - recommendation: from the weights of the checkpoint.
    ///   - run: the run folder.
    ///   - file: the path that the deployment will be written to.
    ///   - checkpoint: the weights.
    ///   - configuration: of the run.
    ///   - classes: in the order of the logits.
    /// - Throws: `InterchangeError` if the manifest of the checkpoint cannot be read.
    public init(
        _ recommendation: Recommendation, run: RunFolder, file: String, _ checkpoint: Checkpoint, _ configuration: TrainingConfiguration,
        classes: [String]
    ) throws {
        let measure = recommendation.deployed.measure
        let (gigaFLOPs, milliseconds) = recommendation.costs(measure.way)
        var resolution: Int?
        var costWeight: Double?
        switch measure.setting {
        case .fixed(let index): resolution = configuration.resolutions[index]
        case .costWeight(let weight): costWeight = weight
        }
        let chooser: Chooser = resolution != nil ? .fixed : measure.way == .dynamic ? .trained : .thresholdCascade
        try self.init(
            run: run, file: file, checkpoint, configuration, classes: classes, chooser: chooser, resolution: resolution,
            costWeight: costWeight,
            costs: Costs(
                gigaFLOPs: gigaFLOPs, milliseconds: milliseconds, conditions: recommendation.milliseconds?.conditions,
                unit: configuration.policy.costTable == nil ? .multiplyAdds : .milliseconds),
            expected: recommendation.expectation(gigaFLOPs, milliseconds))
    }
}

extension Recommendation {
    /// What the images say about the deployed way: with the setting to deploy, and cross-fitted.
    ///
    /// - Parameters:
    ///   - gigaFLOPs: costs of an image.
    ///   - milliseconds: likewise.
    fileprivate func expectation(_ gigaFLOPs: ImageCosts, _ milliseconds: ImageCosts?) -> Deployment.Expectation {
        let measure = deployed.measure
        guard let way = ways.first(where: { $0.way == measure.way }) else { preconditionFailure("the way is one of those compared") }
        let all = Array(way.results.indices)
        let choices = way.routed(measure.setting, all).map(\.choice)
        let shares = resolutions.indices.shares(of: choices)
        func mean(_ costs: ImageCosts) -> Double {
            if case .fixed(let index) = measure.setting { return costs.classifier[index] }
            return costs.mean(shares: shares)
        }
        return Deployment.Expectation(
            images: images, top1: way.accuracy(measure.setting, all), gigaFLOPs: mean(gigaFLOPs), milliseconds: milliseconds.map(mean),
            crossFitted: .init(
                top1: measure.top1, costShare: measure.costShare, overLargest: measure.overLargest,
                overRandomMix: measure.overRandomMix, overBestFixed: measure.overBestFixed))
    }
}
