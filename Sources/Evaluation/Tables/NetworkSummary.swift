import Interchange
import Configuration
import DynamicResolution
import Foundation
import NeuralNetwork

/// What a configuration's network costs, as a table.
public struct NetworkSummary {
    public let text: String
    public let warnings: [String]

    public init(_ configuration: TrainingConfiguration, classCount: Int) throws {
        let flops = FLOPsModel(configuration, classCount: classCount)
        let classifier = configuration.classifierDefinition(classCount: classCount)
        var rows = [["", "input", "parameters", "GFLOPs", "of largest", "with predictor"]]
        for (index, resolution) in configuration.resolutions.enumerated() {
            let cost = flops.classifier[index]
            rows.append([
                index == 0 ? configuration.classifier.architecture.rawValue : "", "\(resolution)",
                index == 0 ? Self.millions(classifier.parameterCount) : "", Figures.threeDigits(cost / 1e9),
                Figures.percent(cost / flops.largest) + " %", Figures.threeDigits((cost + flops.predictor) / 1e9),
            ])
        }
        if let predictor = configuration.predictorDefinition {
            rows.append([
                "predictor", "\(configuration.predictor.inputSize)", Self.millions(predictor.parameterCount),
                Figures.threeDigits(flops.predictor / 1e9), Figures.percent(flops.predictor / flops.largest) + " %", "",
            ])
        }
        text =
            TextTable.render(rows) + "\n\n\(classCount) classes; GFLOPs are 10⁹ multiply-adds for one image; batch norms have "
            + "\(configuration.resolutions.count) copies"
        warnings = flops.unevenResolutions.map {
            "\($0.resolution) is no multiple of \(Backbone.stride), the network's stride: it costs \(Self.share($0.costShare)) of the largest, where its "
                + "pixels are \(Self.share($0.pixelShare))"
        }
        if configuration.predictorDefinition != nil { _ = try FLOPsRegularizer(configuration.policy, flops) }
    }

    private static func millions(_ count: Int) -> String { String(format: "%.2f M", Double(count) / 1e6) }
    private static func share(_ value: Double) -> String { String(format: "%.2f", value) }
}
