import Foundation
import Interchange

/// Appends records to metrics.jsonl, one a line.
///
/// A record that cannot be written, for example on a full disk, does not end the run. It waits in memory until a later record can be
/// written. The file never contains a part of a record.
final class MetricsWriter {
    private let descriptor: Int32
    private let path: String
    private let warn: (String) -> Void
    /// Bytes of complete records in the file.
    private var length = 0
    /// Records that could not be written yet.
    private var waiting = Data()
    private var hasWarned = false

    /// The largest size of the records that wait, in bytes. Later ones are lost.
    private static let waitingLimit = 64 << 20

    /// Opens the file. Records up to the position stay. Later records and the record of the final evaluation are dropped, since the run
    /// writes them again; so is an incomplete last line.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - position: where the run continues; nil for a new run, which keeps no records.
    ///   - warn: receives sentences for a person.
    /// - Throws: `InterchangeError` if an existing file cannot be read, or the file cannot be written.
    init(path: String, after position: Position?, warn: @escaping (String) -> Void) throws {
        self.path = path
        self.warn = warn
        let kept = try position.map { try Self.records(path, $0, warn) } ?? Data()
        try DurableFile.write(kept, to: path)
        descriptor = try DurableFile.openForUpdating(path)
        length = kept.count
    }

    /// The place in a run up to which records are complete.
    struct Position {
        /// Step of the run.
        var step: Int
        /// Whether the evaluation of that step and the record of its epoch are still to be written.
        var isEvaluationPending = false
    }

    deinit { close(descriptor) }

    func write(_ record: MetricsRecord) throws {
        let line = try JSON.encode(record, .compact) + Data("\n".utf8)
        if waiting.count + line.count <= Self.waitingLimit { waiting += line }
        do {
            try DurableFile.write(waiting, to: descriptor, at: length, path: path)
            length += waiting.count
            waiting = Data()
            hasWarned = false
        } catch {
            ftruncate(descriptor, off_t(length))
            if !hasWarned { warn("\(error). Training goes on; the records wait in memory until they can be written") }
            hasWarned = true
        }
    }

    private static func records(_ path: String, _ position: Position, _ warn: (String) -> Void) throws -> Data {
        struct Place: Decodable {
            var kind: String
            var stage: String
            var step: Int
        }
        guard try DurableFile.kind(of: path) != nil else { return Data() }
        let lines = try DurableFile.read(path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var (kept, damaged) = (Data(), 0)
        for line in lines.dropLast() where !line.isEmpty {
            guard let place = try? JSON.decode(Place.self, from: Data(line), source: path) else {
                damaged += 1
                continue
            }
            let isPending = position.isEvaluationPending && place.step == position.step && ["evaluation", "epoch"].contains(place.kind)
            if place.step <= position.step && place.stage != MetricsRecord.finalStage && !isPending { kept += line + [UInt8(ascii: "\n")] }
        }
        if damaged > 0 { warn("\(path): \(damaged) damaged \(damaged == 1 ? "line is" : "lines are") left out") }
        return kept
    }
}
