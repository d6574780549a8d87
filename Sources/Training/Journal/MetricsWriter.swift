import Foundation
import Interchange

/// Appends records to metrics.jsonl, one a line. `RecordFile` says what happens if one cannot be written.
final class MetricsWriter {
    private let file: RecordFile
    /// The lines of the position's step that the file has already.
    let keptLines: [Data]

    /// Opens the file. Records up to the position stay. Later records and the record of the final evaluation are dropped, since the run
    /// writes them again; so is an incomplete last line.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - position: where the run continues; nil for a new run, which keeps no records.
    ///   - warn: receives sentences for a person.
    /// - Throws: `InterchangeError` if an existing file cannot be read, or the file cannot be written.
    init(path: String, after position: Position?, warn: @escaping (String) -> Void) throws {
        let kept = try position.map { try Self.records(path, $0, warn) } ?? (all: [], ofStep: [])
        file = try RecordFile(kept.all.reduce(into: Data()) { $0 += $1 + [Self.lineEnd] }, to: path, warn: warn)
        keptLines = kept.ofStep
    }

    /// The place in a run up to which records are complete.
    struct Position {
        /// Step of the run.
        var step: Int
        /// Whether the evaluation of that step and the record of its epoch are still to be written.
        var isEvaluationPending = false
    }

    private static let lineEnd = UInt8(ascii: "\n")

    /// Writes a record.
    ///
    /// - Returns: its line, without the end of the line.
    @discardableResult
    func write(_ record: MetricsRecord) throws -> Data {
        let line = try JSON.encode(record, .compact)
        file.append(line + [Self.lineEnd])
        return line
    }

    /// The lines to keep, and those of the position's step among them.
    private static func records(_ path: String, _ position: Position, _ warn: (String) -> Void) throws -> (all: [Data], ofStep: [Data]) {
        struct Place: Decodable {
            var kind: String
            var stage: String
            var step: Int
        }
        guard try DurableFile.kind(of: path) != nil else { return ([], []) }
        let lines = try DurableFile.read(path).split(separator: lineEnd, omittingEmptySubsequences: false)
        var (kept, ofStep, damaged): ([Data], [Data], Int) = ([], [], 0)
        for line in lines.dropLast() where !line.isEmpty {
            guard let place = try? JSON.decode(Place.self, from: Data(line), source: path) else {
                damaged += 1
                continue
            }
            let isPending = position.isEvaluationPending && place.step == position.step && ["evaluation", "epoch"].contains(place.kind)
            guard place.step <= position.step && place.stage != MetricsRecord.finalStage && !isPending else { continue }
            kept.append(line)
            if place.step == position.step { ofStep.append(line) }
        }
        if damaged > 0 { warn("\(path): \(damaged) damaged \(damaged == 1 ? "line is" : "lines are") left out") }
        return (kept, ofStep)
    }
}
