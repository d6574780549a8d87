import Foundation
import ImageData
import Inference
import Interchange

/// A comparison of variants of a configuration over seeds and folds. It reads the run folders that `launch/study` creates: PLACE/VARIANT in
/// the study's folder. A place is a seed and, with cross-validation, a fold.
public struct Study: Encodable {
    struct Variant: Encodable {
        var name: String
        /// Means over the seeds.
        var mean: [StudyMeasure: Double]
        /// Sample standard deviations over the seeds; empty for one seed.
        var deviation: [StudyMeasure: Double]
        /// Share of the images at each resolution, largest first; means over the seeds.
        var shares: [Double]
        var runs: Int
        /// The warnings of the collapse monitor, each with its run.
        var warnings: [String]
        /// Number of runs with a warning.
        var warnedRuns: Int
        /// Number of held-out images in all folds that were evaluated.
        var images: Int
        var seeds: [StudySeed]
        /// Deciders at several costs; empty for runs of earlier builds.
        var points: [StudyPoint]

        init(_ name: String, _ runs: [StudyRun]) {
            let bySeed = Dictionary(grouping: runs, by: \.seed).sorted { $0.key < $1.key }.map { StudySeed($0.value) }
            func summary(_ value: ([Double]) -> Double?) -> [StudyMeasure: Double] {
                var summary: [StudyMeasure: Double] = [:]
                for measure in StudyMeasure.allCases {
                    let values = bySeed.compactMap { $0.measures[measure] }
                    if values.count == bySeed.count { summary[measure] = value(values) }
                }
                return summary
            }
            self.name = name
            mean = summary(\.mean)
            deviation = summary(\.standardDeviation)
            shares = bySeed[0].shares.indices.map { index in bySeed.map { $0.shares[index] }.mean ?? 0 }
            self.runs = runs.count
            warnings = runs.flatMap { run in run.warnings.map { "\(run.place): \($0)" } }
            warnedRuns = runs.filter { !$0.warnings.isEmpty }.count
            images = Dictionary(grouping: runs, by: \.fold).values.reduce(0) { $0 + ($1.map(\.evaluation.images).max() ?? 0) }
            seeds = bySeed
            points = StudyPoint.points(runs)
        }

        /// Of the mean accuracy, for another sample of images of the same kind.
        var standardError: Double { Evaluation.standardError(accuracy: mean[.top1] ?? 0, images: images) }
    }

    let path: String
    let resolutions: [Int]
    /// Sorted by name.
    let variants: [Variant]
    /// Restrictions of the comparison, one sentence each.
    let notes: [String]

    enum CodingKeys: CodingKey {
        case resolutions, variants, notes
    }

    /// Reads all finished runs of a study's folder.
    ///
    /// - Throws: `StudyError` if there is none, or if they cannot be compared; `InterchangeError` for a file that cannot be read.
    public init(path: String) throws {
        var runs: [StudyRun] = []
        var unfinished: [String] = []
        for place in try Self.folders(in: path) {
            for folder in try Self.folders(in: place) {
                switch try StudyRun.find(in: RunFolder(path: folder)) {
                case .run(let run): runs.append(run)
                case .unfinished(let path): unfinished.append(path)
                case .other: break
                }
            }
        }
        try self.init(path: path, runs: runs, unfinished: unfinished)
    }

    init(path: String, runs: [StudyRun], unfinished: [String]) throws {
        guard let first = runs.first else { throw StudyError.noRuns(path: path, unfinished: unfinished.count) }
        if let other = runs.first(where: { $0.evaluation.resolutions != first.evaluation.resolutions }) {
            throw StudyError.different(
                path: path, what: "resolutions", "\(first.evaluation.resolutions)", "\(other.evaluation.resolutions)")
        }
        if let other = runs.first(where: { $0.fold?.count != first.fold?.count }) {
            func folds(_ run: StudyRun) -> String { run.fold.map { "\($0.count)" } ?? "none" }
            throw StudyError.different(path: path, what: "numbers of folds", folds(first), folds(other))
        }
        let byVariant = Dictionary(grouping: runs, by: \.variant).sorted { $0.key < $1.key }
        for (name, runs) in byVariant {
            let places = Dictionary(grouping: runs, by: \.place)
            if let twice = places.first(where: { $0.value.count > 1 }) {
                throw StudyError.twice(path: path, variant: name, place: twice.key)
            }
        }
        self.path = path
        resolutions = first.evaluation.resolutions
        variants = byVariant.map { Variant($0.key, $0.value) }
        notes =
            (unfinished.isEmpty ? [] : ["not finished, and left out: \(Figures.list(unfinished))"])
            + Self.gaps(byVariant.map { ($0.key, $0.value) })
    }

    /// Notes about variants that lack a run which others have, or a fold of a seed. Such variants are not compared on the same runs. A
    /// study with one fold a seed (`launch/study --rotate`) is complete.
    private static func gaps(_ variants: [(name: String, runs: [StudyRun])]) -> [String] {
        let all = variants.flatMap(\.runs)
        var places = Set(all.map(\.place))
        let bySeed = Dictionary(grouping: all, by: \.seed).values
        let rotates = bySeed.count > 1 && bySeed.allSatisfy { Set($0.map(\.fold)).count == 1 }
        if let folds = all.first?.fold?.count, !rotates {
            for seed in Set(all.map(\.seed)) {
                for index in 1...folds { places.insert(StudyRun.place(seed: seed, fold: CrossValidationFold("\(index)/\(folds)"))) }
            }
        }
        return variants.compactMap { name, runs in
            let missing = places.subtracting(runs.map(\.place)).sorted()
            return missing.isEmpty
                ? nil : "\(name) lacks \(Figures.list(missing, separator: "; ")): it is not compared on the same runs as the others"
        }
    }

    private static func folders(in path: String) throws -> [String] {
        try DurableFile.names(in: path).sorted().map { "\(path)/\($0)" }.filter { try DurableFile.kind(of: $0) == .folder }
    }
}

/// A folder that is not a study.
enum StudyError: Error, CustomStringConvertible {
    case noRuns(path: String, unfinished: Int)
    case different(path: String, what: String, String, String)
    case twice(path: String, variant: String, place: String)

    var description: String {
        switch self {
        case .noRuns(let path, let unfinished):
            return "\(path) holds no finished run of a study" + (unfinished > 0 ? ", but \(unfinished) unfinished" : "")
                + ": launch/study creates runs as PLACE/VARIANT in it"
        case .different(let path, let what, let first, let second):
            return "\(path): its runs have different \(what), \(first) and \(second), and cannot be compared"
        case .twice(let path, let variant, let place):
            return "\(path) has two runs of \(variant) with \(place): each must occur once; remove one of them"
        }
    }
}
