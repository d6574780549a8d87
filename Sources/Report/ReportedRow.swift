import Evaluation
import Foundation
import Interchange

/// One way to use the weights, as a table lists it. Fields that earlier versions did not write are nil.
struct ReportedRow: Decodable, Equatable {
    var name: String
    /// Shares of the images, 0 … 1.
    var top1: Double
    var top5: Double?
    /// Mean multiply-adds of an image in units of 10⁹, with what decides.
    var totalGFLOPs: Double
    /// `totalGFLOPs` divided by the classifier's cost at the largest resolution.
    var totalShare: Double?
    /// Share of the images at each resolution, largest first.
    var shares: [Double]?
    var imagesPerSecond: Double?
    var milliseconds: Double?

    private enum CodingKeys: String, CodingKey {
        case name, top1, top5, totalGFLOPs, totalShare, shares, imagesPerSecond, milliseconds
    }

    /// The row of an evaluation that was computed for the report.
    init(_ row: EvaluationRow) {
        name = row.way.name
        top1 = row.top1
        top5 = row.top5
        totalGFLOPs = row.totalGFLOPs
        totalShare = row.totalShare
        shares = row.shares
        imagesPerSecond = row.imagesPerSecond
        milliseconds = row.milliseconds
    }

    /// The row's resolution in pixels, if all images have the same one.
    var fixedResolution: Int? { name.hasPrefix("fixed ") ? Int(name.dropFirst(6)) : nil }

    var isDynamic: Bool { name == Way.dynamic.name }
}

/// The table of evaluation.json. Unlike `Evaluation`, it takes files of earlier versions.
struct ReportedTable: Decodable {
    var images: Int
    var classes: Int?
    var resolutions: [Int]?
    var rows: [ReportedRow]

    /// The table of an evaluation that was computed for the report.
    init(_ evaluation: Evaluation) {
        images = evaluation.images
        classes = evaluation.classes
        resolutions = evaluation.resolutions
        rows = evaluation.rows.map(ReportedRow.init)
    }

    /// - Parameter rows: of a record, which has no number of images.
    init(images: Int, rows: [ReportedRow]) {
        self.images = images
        self.rows = rows
    }

    var dynamic: ReportedRow? { rows.first(where: \.isDynamic) }
    var fixed: [ReportedRow] { rows.filter { $0.fixedResolution != nil } }
    /// The most expensive fixed resolution.
    var largest: ReportedRow? { fixed.max { $0.totalGFLOPs < $1.totalGFLOPs } }
}

/// The 95 % interval of a share after Wilson, which is right for few images and for shares near 0 and 1.
enum WilsonInterval {
    /// - Parameters:
    ///   - share: of the images, 0 … 1.
    ///   - images: their number; nil is returned if it is not positive.
    static func of(_ share: Double, images: Int) -> ClosedRange<Double>? {
        guard images > 0, share.isFinite, (0...1).contains(share) else { return nil }
        let (count, quantile) = (Double(images), 1.959964)
        let square = quantile * quantile
        let centre = (share + square / (2 * count)) / (1 + square / count)
        let half =
            quantile / (1 + square / count) * (share * (1 - share) / count + square / (4 * count * count)).squareRoot()
        return max(0, centre - half)...min(1, centre + half)
    }
}
