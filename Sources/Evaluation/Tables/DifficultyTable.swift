import DynamicResolution
import Foundation
import ImageData
import Interchange

/// The dynamic network's results on each kind of image. A file `difficulty.csv` beside the class folders defines the kinds; its columns are
/// path, class and difficulty. Only the evaluation reads this file.
public enum DifficultyTable {
    /// One row of the table.
    public struct Row: Codable, Equatable, Sendable {
        public var name: String
        public var images: Int
        public var top1: Double
        /// Mean multiply-adds of the classifier, in units of 10⁹.
        public var classifierGFLOPs: Double
        /// Share of the images at each resolution, largest first.
        public var shares: [Double]
        /// Accuracy at each fixed resolution.
        public var fixedTop1: [Double]
    }

    /// The rows, cheapest first; nil if the folder has no such file or the network has no predictor.
    public static func rows(_ folder: ImageDataset, _ results: [ImageResult], _ model: FrozenDRNet) throws -> [Row]? {
        let path = folder.path + "/difficulty.csv"
        guard model.hasDecider, try DurableFile.kind(of: path) != nil else { return nil }
        let difficulties = try read(path)
        var groups: [String: [ImageResult]] = [:]
        for result in results {
            let name = folder.relativePath(of: folder.validation[result.sample])
            if let difficulty = difficulties[name] { groups[difficulty, default: []].append(result) }
        }
        return ordered(groups.map { row($0, $1, model.flops) })
    }

    /// The cheapest first; rows of equal cost by their names, so that every evaluation has the same table.
    static func ordered(_ rows: [Row]) -> [Row] {
        rows.sorted { ($0.classifierGFLOPs, $0.name) < ($1.classifierGFLOPs, $1.name) }
    }

    static func text(_ rows: [Row], resolutions: [Int]) -> String {
        TextTable.render(
            [["difficulty", "images", "top-1 %", "GFLOPs"] + resolutions.map { "at \($0)" } + resolutions.map { "fixed \($0)" }]
                + rows.map { row in
                    [row.name, "\(row.images)", Figures.percent(row.top1), Figures.threeDigits(row.classifierGFLOPs)]
                        + row.shares.map { Figures.percent($0) + " %" } + row.fixedTop1.map(Figures.percent)
                })
    }

    private static func row(_ name: String, _ results: [ImageResult], _ flops: FLOPsModel) -> Row {
        let count = Double(results.count)
        func share(_ condition: (ImageResult) -> Bool) -> Double { Double(results.filter(condition).count) / count }
        let shares = flops.resolutions.indices.map { index in share { $0.choice == index } }
        return Row(
            name: name, images: results.count, top1: share { $0.labelRank == 0 },
            classifierGFLOPs: (flops.costs.mean(shares: shares) - flops.predictor) / 1e9,
            shares: shares, fixedTop1: flops.resolutions.indices.map { index in share { $0.fixedLabelRanks[index] == 0 } })
    }

    private static func read(_ path: String) throws -> [String: String] {
        let rows = CSV.rows(FileSystemPath.text(try DurableFile.read(path))).dropFirst().filter { $0.count == 3 }
        return Dictionary(rows.map { ($0[0], $0[2]) }, uniquingKeysWith: { _, last in last })
    }
}
