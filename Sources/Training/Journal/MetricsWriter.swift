import Foundation
import Interchange

/// Appends records to metrics.jsonl, one a line.
final class MetricsWriter {
    private let file: FileHandle
    private let path: String

    /// - Parameter afterStep: the step after which the run continues. The file keeps the records up to it. Records of later steps and the
    ///   record of the final evaluation are dropped, since the run writes them again. An incomplete last line is dropped too.
    init(path: String, afterStep: Int) throws {
        self.path = path
        let kept = Self.records(path, upTo: afterStep)
        try DurableFile.write(Data(kept.map { $0 + "\n" }.joined().utf8), to: path)
        guard let file = FileHandle(forUpdatingAtPath: path) else {
            throw InterchangeError.system(path: path, action: "open the file", reason: "it cannot be opened for writing")
        }
        self.file = file
        try file.seekToEnd()
    }

    deinit { try? file.close() }

    func write(_ record: MetricsRecord) throws {
        var line = try JSON.encode(record, .compact)
        line.append(UInt8(ascii: "\n"))
        do {
            try file.write(contentsOf: line)
        } catch {
            throw InterchangeError.system(path: path, action: "write", reason: error.localizedDescription)
        }
    }

    private static func records(_ path: String, upTo step: Int) -> [Substring] {
        struct Place: Decodable {
            var stage: String
            var step: Int
        }
        guard step > 0, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").filter { line in
            guard let place = try? JSON.decode(Place.self, from: Data(line.utf8), source: path) else { return false }
            return place.step <= step && place.stage != MetricsRecord.finalStage
        }
    }
}
