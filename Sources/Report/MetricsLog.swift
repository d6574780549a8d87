import Foundation
import Interchange

/// The records of a run's metrics.jsonl. Every field but the place can be missing: it depends on the kind, and earlier versions wrote
/// fewer.
struct MetricsLog {
    /// One line of the file.
    struct Record: Decodable {
        var kind: String
        var stage: String
        var epoch: Int
        var step: Int
        var loss: Double?
        var crossEntropy: Double?
        var accuracy: Double?
        var gigaFLOPs: Double?
        var shares: [Double]?
        var entropy: Double?
        var learningRates: [Double?]?
        var gradientNorm: Double?
        var imagesPerSecond: Double?
        var rankSeconds: RankSeconds?
        var message: String?
        var rows: [ReportedRow]?
        var images: Int?
        var eachExactlyOnce: Bool?
    }

    /// The seconds of each rank.
    struct RankSeconds: Decodable, Equatable {
        var computing: [Double]?
        var waiting: [Double]?
        var communicating: [Double]?
        var loading: [Double]?
        var saving: [Double]?
    }

    let records: [Record]
    /// Lines that are no records. A run that was killed can leave one.
    let damagedLines: Int

    init(records: [Record]) {
        self.records = records
        damagedLines = 0
    }

    /// Reads a file that a training can write at the same time: a last line without an end is left out.
    init(path: String) throws {
        let lines = try DurableFile.read(path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var (records, damaged) = ([Record](), 0)
        for line in lines.dropLast() where !line.isEmpty {
            if let record = try? JSON.decode(Record.self, from: Data(line), source: path) {
                records.append(record)
            } else {
                damaged += 1
            }
        }
        self.records = records
        damagedLines = damaged
    }

    func records(_ kind: String) -> [Record] { records.filter { $0.kind == kind } }

    /// Whether the evaluation after the last stage was recorded.
    var isFinished: Bool { records.contains { $0.kind == "evaluation" && $0.stage == "final" } }

    /// Training images of an epoch of the first stage, if a ledger was recorded.
    var imagesOfAnEpoch: Int? { records("ledger").first?.images }

    /// The first step of each stage, in order.
    var stages: [(name: String, firstStep: Int)] {
        var result: [(name: String, firstStep: Int)] = []
        var lastStep = 0
        for record in records where record.stage != "final" {
            if record.stage != result.last?.name { result.append((record.stage, lastStep)) }
            lastStep = max(lastStep, record.step)
        }
        return result
    }

    /// The times of the ranks: of all epochs, and of the steps that were recorded after the last epoch. Nil if there are none.
    var rankTimes: RankTimes? {
        var times: RankTimes?
        var tail: [RankSeconds] = []
        for record in records {
            guard let seconds = record.rankSeconds else { continue }
            if record.kind == "epoch" {
                RankTimes.add(seconds, to: &times)
                tail = []
            } else {
                tail.append(seconds)
            }
        }
        for seconds in tail { RankTimes.add(seconds, to: &times) }
        return times
    }
}

/// How the ranks spent the time of the steps, in seconds.
struct RankTimes: Equatable {
    static let parts = ["computing", "waiting", "communicating", "loading", "saving"]

    /// Of each rank, in the order of `parts`.
    private(set) var ranks: [[Double]]

    /// Adds a record. A run can continue on another number of ranks.
    static func add(_ seconds: MetricsLog.RankSeconds, to times: inout RankTimes?) {
        let columns = [seconds.computing, seconds.waiting, seconds.communicating, seconds.loading, seconds.saving]
        let count = columns.compactMap { $0?.count }.max() ?? 0
        guard count > 0 else { return }
        var ranks = times?.ranks ?? []
        while ranks.count < count { ranks.append([Double](repeating: 0, count: parts.count)) }
        for (part, column) in columns.enumerated() {
            for (rank, value) in (column ?? []).enumerated() where value.isFinite && value > 0 { ranks[rank][part] += value }
        }
        times = RankTimes(ranks: ranks)
    }

    func total(_ rank: Int) -> Double { ranks[rank].reduce(0, +) }
}
