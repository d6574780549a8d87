import Configuration
import DynamicResolution
import Foundation
import Interchange
import NeuralNetwork

/// The costs of a configuration's networks, as a table. Builds no network.
public struct NetworkSummary {
    public let text: String
    public let warnings: [String]

    /// - Throws: `UnreachableTarget` if no choice of resolutions can cost as little as policy.flopsTarget.
    public init(_ configuration: TrainingConfiguration, classCount: Int) throws {
        let flops = FLOPsModel(configuration, classCount: classCount)
        let classifier = configuration.classifierDefinition(classCount: classCount)
        var rows = [["", "input", "parameters", "GFLOPs", "of largest", "with decision"]]
        for (index, resolution) in configuration.resolutions.enumerated() {
            let cost = flops.classifier[index]
            rows.append([
                index == 0 ? configuration.classifier.architecture.rawValue : "", "\(resolution)",
                index == 0 ? Self.millions(classifier.parameterCount) : "", Figures.threeDigits(cost / 1e9),
                Figures.percent(cost / flops.largest) + " %", Figures.threeDigits((flops.choices[index] + flops.predictor) / 1e9),
            ])
        }
        if let predictor = configuration.predictorDefinition(classCount: classCount) {
            rows.append([
                configuration.decider?.isCascade == true ? "head" : "predictor",
                configuration.decider?.inputSize.map(String.init) ?? "", Self.millions(predictor.parameterCount),
                Figures.threeDigits(flops.predictor / 1e9), Figures.percent(flops.predictor / flops.largest) + " %", "",
            ])
        }
        text =
            TextTable.render(rows) + "\n\n\(classCount) classes; GFLOPs are 10⁹ multiply-adds for one image; batch norms have "
            + "\(configuration.resolutions.count) copies"
        warnings = flops.unevenResolutions.map {
            "resolution \($0.resolution) is not a multiple of the network's stride \(Backbone.stride): it has "
                + "\(Self.share($0.pixelShare)) of the "
                + "largest resolution's pixels, but \(Self.share($0.costShare)) of its cost"
        }
        if configuration.decider != nil { _ = try FLOPsRegularizer(configuration.policy, flops) }
    }

    private static func millions(_ count: Int) -> String { String(format: "%.2f M", Double(count) / 1e6) }
    private static func share(_ value: Double) -> String { String(format: "%.2f", value) }
}
