import DynamicResolution
import Foundation
import Interchange

/// Milliseconds of an image on one machine, as `drnet measure-costs` writes them and `policy.cost` names them.
public struct CostTable: Codable, Equatable, Sendable {
    /// What the times were measured on. A configuration whose decisions weigh them must have the same.
    public struct Networks: Codable, Equatable, Sendable {
        public var architecture: String
        public var width: Double
        /// In pixels, largest first.
        public var resolutions: [Int]
        /// What chooses resolutions, in words.
        public var decider: String
    }

    /// How the times were measured.
    public struct Conditions: Codable, Equatable, Sendable {
        /// Images of a pass.
        public var batchSize: Int
        public var threads: Int
        public var processor: String

        public init(batchSize: Int, threads: Int, processor: String) {
            self.batchSize = batchSize
            self.threads = threads
            self.processor = processor
        }
    }

    public var networks: Networks
    public var conditions: Conditions
    /// Of an image.
    public var milliseconds: ImageCosts

    package init(networks: Networks, conditions: Conditions, milliseconds: ImageCosts) {
        self.networks = networks
        self.conditions = conditions
        self.milliseconds = milliseconds
    }

    private static let format = "drnet-costs"
    /// The version that this build writes, and the latest one that it reads.
    private static let currentVersion = 1

    /// The contents of a file.
    private struct File: Codable {
        var format: String
        var version: Int
        var table: CostTable
    }

    /// Reads a file that `write` wrote.
    ///
    /// - Throws: `InterchangeError` if the file is absent, damaged or foreign, or a later build wrote it.
    package static func read(_ path: String) throws -> CostTable {
        struct Kind: Decodable {
            var format: String?
            var version: Int?
        }
        guard let data = try DurableFile.read(path, limit: 1 << 20) else {
            throw InterchangeError.malformed(path: path, reason: "it has more than 1 MiB; a table of 'drnet measure-costs' is small")
        }
        let kind = try JSON.decode(Kind.self, from: data, source: path)
        guard kind.format == format, let version = kind.version else {
            throw InterchangeError.malformed(path: path, reason: "it is no table of 'drnet measure-costs'")
        }
        guard version <= currentVersion else { throw InterchangeError.version(path: path, found: version, supported: currentVersion) }
        let table = try JSON.decode(File.self, from: data, source: path).table
        if let problem = table.problem { throw InterchangeError.malformed(path: path, reason: problem) }
        return table
    }

    /// The text of a file.
    package func data() throws -> Data {
        try JSON.encode(File(format: Self.format, version: Self.currentVersion, table: self), .indented)
    }

    /// Why decisions cannot weigh these times; nil if they can.
    package var problem: String? {
        let times = milliseconds.classifier
        guard times.count == networks.resolutions.count, !times.isEmpty else {
            return "it has \(times.count) times of the classifier for \(networks.resolutions.count) resolutions"
        }
        guard times.allSatisfy({ $0.isFinite && $0 > 0 }), milliseconds.predictor.isFinite, milliseconds.predictor >= 0 else {
            return "a time is not a positive number of milliseconds"
        }
        guard zip(times, times.dropFirst()).allSatisfy({ $0 > $1 }) else {
            let list = zip(networks.resolutions, times).map { "\(Figures.threeDigits($1)) ms at \($0)" }.joined(separator: ", ")
            return
                "the time of an image does not decrease with the resolution (\(list)): measure again on a machine that does nothing else, "
                + "or with a larger --batch-size"
        }
        return nil
    }
}

extension CostTable {
    /// Reads the section that a resolved configuration has in place of the path. The run keeps its numbers when the file is gone.
    init(_ section: ConfigurationSection) {
        let resolutions = section.integers("resolutions", 8...2048)
        networks = Networks(
            architecture: section.text("architecture"), width: section.number("width", .positive), resolutions: resolutions,
            decider: section.text("decider"))
        conditions = Conditions(
            batchSize: section.integer("batchSize", 1...1_000_000), threads: section.integer("threads", 1...1_000_000),
            processor: section.text("processor"))
        let times = section.numbers(
            "classifierMilliseconds", default: resolutions.map(Double.init), count: resolutions.count, .positive)
        milliseconds = ImageCosts(
            classifier: times, predictor: section.number("predictorMilliseconds", .notNegative),
            isCascade: section.boolean("isCascade", default: false))
        if section.value("classifierMilliseconds") == nil { section.report("classifierMilliseconds", "is missing") }
        section.finish()
        if let problem { section.report(nil, "cannot be used: \(problem)") }
    }

    var text: ConfigurationText {
        .section([
            ("architecture", .value(networks.architecture)), ("width", .value(networks.width)),
            ("resolutions", .value(networks.resolutions)), ("decider", .value(networks.decider)),
            ("batchSize", .value(conditions.batchSize)), ("threads", .value(conditions.threads)),
            ("processor", .value(conditions.processor)), ("classifierMilliseconds", .value(milliseconds.classifier)),
            ("predictorMilliseconds", .value(milliseconds.predictor)), ("isCascade", .value(milliseconds.isCascade)),
        ])
    }
}
