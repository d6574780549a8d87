import Configuration
import Foundation
import ImageData
import Inference
import Interchange

/// What a run folder says about a run. A file that is missing or cannot be read becomes a note; it does not prevent the report.
public struct ReportedRun {
    /// The run folder.
    public let folder: RunFolder
    /// The last part of the folder's path.
    public let name: String
    /// The configuration; nil if it cannot be read, for example because a later version wrote it.
    public let configuration: TrainingConfiguration?
    /// What is missing and why, one sentence each.
    public private(set) var notes: [String] = []
    /// The results of single images; nil if they are not known.
    public private(set) var images: ReportedImages?
    let configurationText: String?
    let log: MetricsLog?
    let deployment: Deployment?
    let starts: [Start]
    /// Whether a job holds the folder, or was killed while it did.
    let isLocked: Bool
    private let storedTable: ReportedTable?

    /// A start of the run, as environment.json has it.
    struct Start: Decodable {
        var drnet: String?
        var system: String?
        var swift: String?
        var mpi: String?
        var openBLAS: String?
        var ranks: [String]?
        var started: String?
        var commandLine: [String]?
    }

    /// Reads a run folder.
    ///
    /// - Throws: `ReportError` if the folder does not exist or holds no run.
    public init(path: String) throws {
        let folder = RunFolder(path: path)
        guard try DurableFile.kind(of: path) == .folder else {
            throw ReportError("\(path) is no folder; name the folder of a run, such as runs/quickstart")
        }
        var notes: [String] = []
        func read<Value>(_ path: String, _ purpose: String, _ body: () throws -> Value) -> Value? {
            do {
                guard try DurableFile.kind(of: path) != nil else {
                    notes.append("\(Self.name(of: path)) does not exist: \(purpose)")
                    return nil
                }
                return try body()
            } catch {
                notes.append("\(error). Because of this, \(purpose)")
                return nil
            }
        }
        self.folder = folder
        name = Self.name(of: path)
        configurationText = read(folder.configuration, "the configuration is not shown") {
            FileSystemPath.text(try DurableFile.read(folder.configuration))
        }
        configuration =
            configurationText == nil
            ? nil
            : read(folder.configuration, "images are not evaluated") {
                try TrainingConfiguration.load(path: folder.configuration, overrides: [])
            }
        log = read(folder.metrics, "there are no curves") { try MetricsLog(path: folder.metrics) }
        guard configurationText != nil || log != nil else {
            throw ReportError("\(path) holds no run: it has neither config.yaml nor metrics.jsonl. Name the folder of a run")
        }
        storedTable =
            (try? DurableFile.kind(of: folder.evaluationData)) == nil
            ? nil
            : read(folder.evaluationData, "its table is not shown") {
                try JSON.read(ReportedTable.self, from: folder.evaluationData)
            }
        // A run without validation images, or of an earlier version, has none.
        deployment =
            (try? DurableFile.kind(of: folder.deployment)) == nil
            ? nil : read(folder.deployment, "no recommendation is shown") { try Deployment.read(folder.deployment) }
        starts = read(folder.environment, "the starts are not shown") { try JSON.read([Start].self, from: folder.environment) } ?? []
        isLocked = (try? DurableFile.kind(of: path + "/lock.json")) != nil
        if let damaged = log?.damagedLines, damaged > 0 {
            notes.append("metrics.jsonl has \(damaged) damaged \(damaged == 1 ? "line, which is" : "lines, which are") left out")
        }
        self.notes = notes
    }

    /// Adds the results of single images.
    public mutating func add(_ images: ReportedImages) { self.images = images }

    /// Adds a note, such as why there are no results of single images.
    public mutating func add(note: String) { notes.append(note) }

    /// The table of all ways: of the images that were evaluated for the report, of evaluation.json, or of the last evaluation in
    /// metrics.jsonl. Nil if there is none.
    var table: ReportedTable? {
        if var table = images?.table {
            // The speed of the dynamic network was measured by the run; the report's own evaluation does not measure it.
            for index in table.rows.indices {
                let stored = storedTable?.rows.first { $0.name == table.rows[index].name }
                table.rows[index].imagesPerSecond = stored?.imagesPerSecond ?? table.rows[index].imagesPerSecond
            }
            return table
        }
        if let storedTable { return storedTable }
        return log?.records("evaluation").last?.rows.map { ReportedTable(images: 0, rows: $0) }
    }

    /// Where the table comes from, in words.
    var tableSource: String {
        if let source = images?.tableSource { return source }
        if storedTable != nil { return "evaluation.json" }
        return "the last evaluation in metrics.jsonl, whose number of images is not recorded: there are no intervals"
    }

    /// Candidates in pixels, largest first; empty if they are not known.
    var resolutions: [Int] {
        configuration?.resolutions ?? storedTable?.resolutions ?? deployment?.resolutions ?? images?.resolutions ?? []
    }

    /// What became of the run, in a sentence.
    var state: String {
        guard let log else { return "The run has no records." }
        if log.isFinished { return "The run is complete." }
        guard let last = log.records.last else { return "The run has not finished a step that is recorded." }
        let place = "The last record is of stage \(last.stage), epoch \(last.epoch), step \(last.step)"
        if isLocked { return "\(place). The folder is locked: a job trains in it, or was killed." }
        return storedTable == nil ? "\(place): the run was stopped before its end." : "\(place)."
    }

    private static func name(of path: String) -> String {
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        return absolute.split(separator: "/").last.map(String.init) ?? path
    }
}

/// A report that cannot be made.
public struct ReportError: Error, CustomStringConvertible {
    let problem: String

    /// Creates an error.
    ///
    /// - Parameter problem: what happened, where, and what to do.
    public init(_ problem: String) { self.problem = problem }

    public var description: String { problem }
}
