import Foundation
import Interchange

/// One way to choose resolutions at one limit of the cost, over all runs of a variant.
struct StudyPoint: Encodable {
    var way: Way
    var limit: Double
    /// Means over the seeds; the images of all folds of a seed are pooled first.
    var top1: Double
    var gainOverRandomCost: Double
    var gainOverBestFixed: Double
    var gainOverLargest: Double
    /// Of `gainOverRandomCost`: paired over the images, for the mean over the seeds. Seeds share their images, so their errors are not
    /// independent; the error of one seed's images is used.
    var standardError: Double

    /// The points that every run has, in the order of the first run.
    static func points(_ runs: [StudyRun]) -> [StudyPoint] {
        let first = runs.first?.evaluation.points ?? []
        return first.compactMap { point in
            let seeds = Dictionary(grouping: runs, by: \.seed).values.map { runs in
                runs.compactMap { run in
                    run.evaluation.points?.first { $0.way == point.way && $0.limit == point.limit }
                        .map { Weighted(point: $0, images: Double(run.evaluation.images)) }
                }
            }
            guard seeds.reduce(0, { $0 + $1.count }) == runs.count else { return nil }
            func mean(_ value: (OperatingPoint) -> Double) -> Double { seeds.map { Weighted.mean($0, value) }.mean ?? 0 }
            return StudyPoint(
                way: point.way, limit: point.limit, top1: mean(\.top1), gainOverRandomCost: mean(\.gainOverRandomCost),
                gainOverBestFixed: mean(\.gainOverBestFixed), gainOverLargest: mean(\.gainOverLargest),
                standardError: seeds.map(Weighted.standardError).mean ?? 0)
        }
    }

    /// A point of one run, and its images.
    private struct Weighted {
        var point: OperatingPoint
        var images: Double

        static func mean(_ runs: [Weighted], _ value: (OperatingPoint) -> Double) -> Double {
            runs.reduce(0) { $0 + value($1.point) * $1.images } / runs.reduce(0) { $0 + $1.images }
        }

        /// Of the mean over the images of several folds.
        static func standardError(_ runs: [Weighted]) -> Double {
            runs.reduce(0) { $0 + pow($1.point.standardError * $1.images, 2) }.squareRoot() / runs.reduce(0) { $0 + $1.images }
        }
    }
}

extension Study {
    /// One line for each variant, and one for each variant's threshold cascade; no lines if no run has points.
    var pointRows: [[String]] {
        let lines = variants.flatMap { variant in
            [Way.dynamic, .thresholdCascade].compactMap { way -> [String]? in
                let points = variant.points.filter { $0.way == way }
                guard !points.isEmpty else { return nil }
                return [way == .dynamic ? variant.name : "\(variant.name), \(way.name)"]
                    + OperatingPoint.limits.map { limit in points.first { $0.limit == limit }.map(Self.text) ?? "" }
            }
        }
        guard !lines.isEmpty else { return [] }
        return [["top-1 minus random mix / minus best fixed / minus largest"] + OperatingPoint.limits.map { "at \($0) of the cost" }]
            + lines
    }

    static let pointCaption =
        "In points; costs include the decider. ± is one standard error, paired over the images. λ is calibrated on the same images, "
        + "without labels."

    private static func text(_ point: StudyPoint) -> String {
        func points(_ value: Double) -> String { String(format: "%+.1f", 100 * value) }
        return "\(points(point.gainOverRandomCost)) ± \(String(format: "%.1f", 100 * point.standardError)) / "
            + "\(points(point.gainOverBestFixed)) / \(points(point.gainOverLargest))"
    }
}
