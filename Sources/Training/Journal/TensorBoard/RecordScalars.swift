import Evaluation
import Foundation
import Interchange

/// The scalars that TensorBoard shows of a record of metrics.jsonl. Tags contain the names of the record's fields; the part before the
/// first slash is the group of the charts. docs/metrics.md lists them.
struct RecordScalars {
    let step: Int
    let scalars: [(tag: String, value: Double)]

    /// The fields of a record that are numbers. docs/metrics.md describes them.
    private struct Record: Decodable {
        var kind: String
        var stage: String
        var step: Int
        var loss: Double?
        var crossEntropy: Double?
        var distillation: Double?
        var penalty: Double?
        var accuracy: Double?
        var gigaFLOPs: Double?
        var milliseconds: Double?
        var entropy: Double?
        var flopsWeight: Double?
        var multiplier: Double?
        var gradientNorm: Double?
        var imagesPerSecond: Double?
        var dataWaitSeconds: Double?
        var learningRates: [Double?]?
        var shares: [Double]?
        var rows: [EvaluationRow]?
    }

    /// - Parameters:
    ///   - line: of metrics.jsonl.
    ///   - resolutions: largest first.
    ///   - path: of the file, for the error.
    /// - Throws: `InterchangeError` if the line is no record.
    init(line: Data, resolutions: [Int], path: String) throws {
        let record = try JSON.decode(Record.self, from: line, source: path)
        step = record.step
        switch record.kind {
        case "step":
            scalars =
                Self.means(record, "train") + Self.shares(record.shares, "shares", resolutions) + Self.learningRates(record)
                + Self.present(
                    [
                        ("flopsWeight", record.flopsWeight), ("multiplier", record.multiplier), ("gradientNorm", record.gradientNorm),
                    ], "train")
                + Self.present([("imagesPerSecond", record.imagesPerSecond), ("dataWaitSeconds", record.dataWaitSeconds)], "speed")
        case "epoch": scalars = Self.means(record, "epoch") + Self.shares(record.shares, "epoch shares", resolutions)
        case "evaluation":
            let group = record.stage == MetricsRecord.finalStage ? "final" : "validation"
            scalars = (record.rows ?? []).flatMap { Self.scalars($0, group, resolutions) }
        default: scalars = []
        }
    }

    private static func means(_ record: Record, _ group: String) -> [(tag: String, value: Double)] {
        present(
            [
                ("loss", record.loss), ("crossEntropy", record.crossEntropy), ("distillation", record.distillation),
                ("penalty", record.penalty), ("accuracy", record.accuracy), ("gigaFLOPs", record.gigaFLOPs),
                ("milliseconds", record.milliseconds), ("entropy", record.entropy),
            ], group)
    }

    private static func learningRates(_ record: Record) -> [(tag: String, value: Double)] {
        present(zip(["classifier", "predictor"], record.learningRates ?? []).map { ($0, $1) }, "learningRate")
    }

    /// One way to use the weights.
    private static func scalars(_ row: EvaluationRow, _ group: String, _ resolutions: [Int]) -> [(tag: String, value: Double)] {
        let numbers = [
            ("top1", row.top1), ("top5", row.top5), ("gigaFLOPs", row.totalGFLOPs), ("milliseconds", row.milliseconds),
            ("imagesPerSecond", row.imagesPerSecond),
        ]
        return numbers.compactMap { name, value in value.map { (tag(group, name, row.way), $0) } }
            + (row.way == .dynamic ? shares(row.shares, "\(group) shares", resolutions) : [])
    }

    /// The tag of a number of an evaluation.
    static func tag(_ group: String, _ name: String, _ way: Way) -> String { "\(group)/\(name)/\(way.name)" }

    private static func shares(_ shares: [Double]?, _ group: String, _ resolutions: [Int]) -> [(tag: String, value: Double)] {
        zip(resolutions, shares ?? []).map { ("\(group)/\($0)", $1) }
    }

    private static func present(_ numbers: [(String, Double?)], _ group: String) -> [(tag: String, value: Double)] {
        numbers.compactMap { name, value in value.map { ("\(group)/\(name)", $0) } }
    }
}
