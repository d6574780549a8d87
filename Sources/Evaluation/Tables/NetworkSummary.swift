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
        let model = try DRNet(configuration.withoutPretrained, classCount: classCount)
        let flops = model.flops
        var rows = [["", "input", "parameters", "GFLOPs", "of largest", "with predictor"]]
        for (index, resolution) in model.resolutions.enumerated() {
            let cost = flops.classifier[index]
            rows.append([
                index == 0 ? configuration.classifier.architecture.rawValue : "", "\(resolution)",
                index == 0 ? Self.millions(model.classifier.arena.parameterCount) : "", Figures.threeDigits(cost / 1e9),
                Figures.percent(cost / flops.largest) + " %", Figures.threeDigits((cost + flops.predictor) / 1e9),
            ])
        }
        if let predictor = model.predictor {
            rows.append([
                "predictor", "\(model.predictorInputSize)", Self.millions(predictor.arena.parameterCount),
                Figures.threeDigits(flops.predictor / 1e9), Figures.percent(flops.predictor / flops.largest) + " %", "",
            ])
        }
        text =
            TextTable.render(rows) + "\n\n\(classCount) classes; GFLOPs are 10⁹ multiply-adds for one image; batch norms have "
            + "\(model.resolutions.count) copies"
        warnings = flops.unevenResolutions.map {
            "\($0.resolution) is no multiple of 32, the network's stride: it costs \(Self.share($0.costShare)) of the largest, where its "
                + "pixels are \(Self.share($0.pixelShare))"
        }
        if model.predictor != nil { _ = try FLOPsRegularizer(configuration.policy, model.flops) }
    }

    private static func millions(_ count: Int) -> String { String(format: "%.2f M", Double(count) / 1e6) }
    private static func share(_ value: Double) -> String { String(format: "%.2f", value) }
}
