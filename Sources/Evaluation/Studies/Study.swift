import Inference
import Foundation
import ImageData
import Interchange

/// Variants of a configuration, compared over seeds and folds. Read from the run folders that `launch/study` makes:
/// PLACE/VARIANT in the study's folder, a place being a seed and, with cross-validation, a fold.
public struct Study: Encodable {
    struct Variant: Encodable {
        var name: String
        /// Over the seeds.
        var mean: [StudyMeasure: Double]
        /// Of the sample of seeds; empty with one.
        var deviation: [StudyMeasure: Double]
        /// Of the images at each resolution, largest first; mean over the seeds.
        var shares: [Double]
        var runs: Int
        /// What the collapse monitor said, with the run that it is about.
        var warnings: [String]
        /// How many runs were warned of.
        var warnedRuns: Int
        /// Held-out images: those of all folds that some seed was evaluated on.
        var images: Int
        var seeds: [StudySeed]

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
        }

        /// Of the mean accuracy: what other images of the same kind would move it by.
        var standardError: Double { Evaluation.standardError(accuracy: mean[.top1] ?? 0, images: images) }
    }

    let path: String
    let resolutions: [Int]
    /// By name.
    let variants: [Variant]
    /// What a reader of the table should know, a sentence each.
    let notes: [String]

    enum CodingKeys: CodingKey {
        case resolutions, variants, notes
    }

    /// Reads all finished runs of a study's folder.
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
        notes = unfinished.map { "not finished, and left out: \($0)" } + Self.gaps(byVariant.map { ($0.key, $0.value) })
    }

    /// Where variants lack runs that others have, or a seed some fold: comparisons are not paired there. A fold a seed is a study of its own
    /// kind (`launch/study --rotate`), and lacks none.
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
            return missing.isEmpty ? nil : "\(name) lacks \(missing.joined(separator: "; ")): it is not compared on the same runs"
        }
    }

    private static func folders(in path: String) throws -> [String] {
        try DurableFile.names(in: path).sorted().map { "\(path)/\($0)" }.filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && isFolder.boolValue
        }
    }
}

/// Why a folder is no study.
enum StudyError: Error, CustomStringConvertible {
    case noRuns(path: String, unfinished: Int)
    case different(path: String, what: String, String, String)
    case twice(path: String, variant: String, place: String)

    var description: String {
        switch self {
        case .noRuns(let path, let unfinished):
            return "\(path) holds no finished run of a study" + (unfinished > 0 ? ", but \(unfinished) unfinished" : "")
                + ": launch/study makes them, as PLACE/VARIANT in it"
        case .different(let path, let what, let first, let second):
            return "\(path): its runs have different \(what), \(first) and \(second): they can not be compared"
        case .twice(let path, let variant, let place):
            return "\(path) has two runs of \(variant) with \(place): each counts once; take one of them away"
        }
    }
}
