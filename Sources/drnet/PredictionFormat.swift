import ArgumentParser
import Inference
import Interchange

/// The form in which predictions are printed.
struct PredictionFormat: ParsableArguments {
    @Flag(help: "Print one JSON object on each line, with the unrounded numbers and the most probable classes.")
    var json = false

    @Flag(help: "Print comma-separated values, with the unrounded numbers.")
    var csv = false

    @Option(help: ArgumentHelp("With --json or --csv: the number of most probable classes. Default: 5 in JSON, 1 in CSV.", valueName: "k"))
    var top: Int?

    @Flag(help: "With --json: add the logits of all classes.")
    var logits = false

    func validate() throws {
        if json && csv { throw ValidationError("use --json or --csv, not both") }
        if top != nil && !json && !csv { throw ValidationError("use --top with --json or --csv") }
        if let top, top < 1 { throw ValidationError("--top is \(top); it must be at least 1") }
        if logits && !json { throw ValidationError("use --logits with --json") }
    }

    private struct Record: Encodable {
        struct Class: Encodable {
            var name: String
            var probability: Float
        }

        var file: String
        var `class`: String
        var probability: Float
        var resolution: Int
        var gigaFLOPs: Double
        /// The most probable ones, in descending order.
        var classes: [Class]
        var logits: [Float]?
    }

    /// The first line; nil in JSON.
    var heading: String? {
        if json { return nil }
        guard csv else { return ["file", "class", "probability", "resolution", "GFLOPs"].joined(separator: "\t") }
        let others = (1..<max(top ?? 1, 1)).flatMap { ["class\($0 + 1)", "probability\($0 + 1)"] }
        return Self.row(["file", "class", "probability", "resolution", "gigaFLOPs"] + others)
    }

    func line(_ file: String, _ prediction: TrainedNetwork.Prediction, _ classes: [String]) throws -> String {
        if !json && !csv {
            return "\(file)\t\(prediction.className)\t\(prediction.probabilityText)\t\(prediction.resolution)\t\(prediction.costText)"
        }
        let probabilities = prediction.probabilities
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        let best = order.prefix(top ?? (json ? 5 : 1)).map { Record.Class(name: classes[$0], probability: probabilities[$0]) }
        guard json else {
            let others = best.dropFirst().flatMap { [$0.name, "\($0.probability)"] }
            return Self.row(
                [file, prediction.className, "\(prediction.probability)", "\(prediction.resolution)", "\(prediction.gigaFLOPs)"] + others)
        }
        let record = Record(
            file: file, class: prediction.className, probability: prediction.probability, resolution: prediction.resolution,
            gigaFLOPs: prediction.gigaFLOPs, classes: best, logits: logits ? prediction.logits : nil)
        return String(decoding: try JSON.encode(record, .compact), as: UTF8.self)
    }

    /// A line without its end.
    private static func row(_ fields: [String]) -> String { String(CSV.text([fields]).dropLast()) }
}
