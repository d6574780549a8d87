import Foundation
import Interchange

/// A line of the file that `launch/benchmark` collects: one measurement of a case or of the machine in one round.
struct CollectedLine: Decodable {
    /// The number of the round, from 1.
    var round: Int
    /// The case's name; nil for the machine.
    var name: String?
    var measurement: Measurement?
    var peak: MachinePeak?

    private enum CodingKeys: String, CodingKey {
        case round, measurement, peak
        case name = "case"
    }

    static func read(_ path: String) throws -> [CollectedLine] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw ReportError(place: path, problem: "cannot be read; launch/benchmark writes this file")
        }
        return try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().filter { !$1.isEmpty }
            .map { try parse(String($1), place: "\(path):\($0 + 1)") }
    }

    private static func parse(_ text: String, place: String) throws -> CollectedLine {
        let line: CollectedLine
        do {
            line = try JSON.decode(CollectedLine.self, from: Data(text.utf8), source: place)
        } catch InterchangeError.malformed(_, let reason) {
            throw ReportError(place: place, problem: "is not a line of a benchmark: \(reason)")
        }
        if let measurement = line.measurement {
            guard line.name != nil else { throw ReportError(place: place, problem: "names no case") }
            guard measurement.isSound else { throw ReportError(place: place, problem: "has impossible times or numbers") }
        } else if line.peak == nil {
            throw ReportError(place: place, problem: "has neither 'measurement' nor 'peak'")
        }
        return line
    }
}

extension Measurement {
    /// Whether all numbers are possible: times and rates are positive and finite.
    fileprivate var isSound: Bool {
        func isPositive(_ value: Double?) -> Bool { value.map { $0.isFinite && $0 > 0 } ?? true }
        let numbers = [secondsPerStep, imagesPerSecond, gigaFLOPsPerSecond, bytesPerImage, peakMemoryBytes] + seconds
        return !seconds.isEmpty && numbers.allSatisfy(isPositive) && min(batch, ranks, threads) > 0 && !pixels.isEmpty
            && isPositive(fixedLargest?.secondsPerStep) && isPositive(fixedLargest?.flopsRatio)
    }
}

/// A reason why collected measurements cannot be reported.
struct ReportError: Error, CustomStringConvertible {
    /// The file and line, or the case.
    var place: String
    var problem: String

    var description: String { "\(place) \(problem)" }
}
