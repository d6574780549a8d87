import DynamicResolution
import Foundation
import TestSupport
import XCTest

@testable import Evaluation

#if canImport(FoundationXML)
    import FoundationXML
#endif

final class OperatingCurveTests: XCTestCase {
    private let flops = FLOPsModel(resolutions: [96, 64, 32], classifier: [9e9, 4e9, 1e9], predictor: 0.5e9)
    private let milliseconds = ImageCosts(classifier: [20, 10, 4], predictor: 1)

    /// Ranks of the label, top probabilities and log π at the three resolutions.
    private func image(_ sample: Int, _ ranks: [Int], _ top: [Float], _ logProbabilities: [Double] = [0, -1, -2]) -> ImageResult {
        ImageResult(
            sample: sample, label: 0, choice: 0, predicted: 0, labelRank: ranks[0], fixedLabelRanks: ranks, fixedPredictions: ranks,
            topProbabilities: top, scores: logProbabilities)
    }

    private func images() -> [ImageResult] {
        [
            image(0, [0, 0, 0], [0.9, 0.9, 0.75]), image(1, [0, 0, 3], [0.9, 0.5, 0.25]), image(2, [0, 1, 1], [0.5, 0.25, 0.5]),
            image(3, [1, 0, 0], [1, 1, 1]),
        ]
    }

    private func curve(_ results: [ImageResult]) -> OperatingCurve {
        OperatingCurve(results: results, flops: flops, weighed: flops.costs, milliseconds: milliseconds, batchSize: 64, threads: 2)
    }

    /// 500 images; the predictor knows roughly which need what.
    private func many() -> [ImageResult] {
        let noise = Formula.values("noise", 3 * 500)
        return (0..<500).map { index in
            let need = index % 3
            let logits = (0..<3).map { 3 * noise[3 * index + $0] + ($0 == need ? 2 : 0) }
            return image(
                index, (0..<3).map { $0 <= need ? 0 : 1 }, (0..<3).map { ($0 <= need ? 0.7 : 0.5) + noise[3 * index + $0] / 4 },
                Logits.logSoftmax(logits, columns: 3))
        }
    }

    /// At 0.5 images 0, 2 and 3 stop at 32; image 1 goes on to 64, where it is just sure enough.
    func testACascadeByHand() {
        let cascade = ConfidenceCascade(images())
        XCTAssertEqual(cascade.choices(threshold: 0.5), [2, 1, 2, 2])
        XCTAssertEqual(cascade.choices(threshold: 0.6), [2, 0, 0, 2], "unsure at 64 too")
        XCTAssertEqual(cascade.choices(threshold: 0), [2, 2, 2, 2])
        XCTAssertEqual(cascade.choices(threshold: 1), [0, 0, 0, 2])
        XCTAssertEqual(cascade.choices(threshold: 1.0.nextUp), [0, 0, 0, 0])

        let points = curve(images()).points(.cascade)
        let cost = Dictionary(uniqueKeysWithValues: points.map { ($0.parameter!, $0) })
        // Of 32, 32 + 64, 32 and 32.
        XCTAssertEqual(cost[0.5]!.gigaFLOPs, (1 + 5 + 1 + 1) / 4, accuracy: 1e-9)
        XCTAssertEqual(cost[0.5]!.milliseconds, (4 + 14 + 4 + 4) / 4, accuracy: 1e-9)
        XCTAssertEqual(cost[0.5]!.top1, 0.75, "images 0, 1 and 3")
        XCTAssertEqual(cost[0.75]!.gigaFLOPs, (1 + 14 + 14 + 1) / 4, accuracy: 1e-9)
        XCTAssertEqual(cost[0.75]!.top1, 1)
        XCTAssertEqual(points.first!.gigaFLOPs, 14, accuracy: 1e-9, "every image at every resolution")
        XCTAssertEqual(points.first!.top1, 0.75, "what the largest says")
        XCTAssertEqual(points.last!.gigaFLOPs, 1, accuracy: 1e-9)
        XCTAssertEqual(points.last!.top1, 0.5)
    }

    func testFixedResolutionsAndRandomMixesBetweenThem() throws {
        let curve = curve(images())
        XCTAssertEqual(curve.points(.fixedResolutions).map(\.parameter), [96, 64, 32])
        XCTAssertEqual(curve.points(.fixedResolutions).map(\.top1), [0.75, 0.75, 0.5])
        XCTAssertEqual(curve.points(.fixedResolutions).map(\.milliseconds), [20, 10, 4])
        let mix = curve.points(.randomMix)
        XCTAssertEqual(mix.count, 9)
        for (index, share) in [(4, 0.0), (5, 0.25), (6, 0.5), (7, 0.75), (8, 1)] {
            XCTAssertEqual(mix[index].top1, 0.75 - 0.25 * share, accuracy: 1e-12)
            XCTAssertEqual(mix[index].gigaFLOPs, 4 - 3 * share, accuracy: 1e-9)
            XCTAssertEqual(mix[index].milliseconds, 10 - 6 * share, accuracy: 1e-9)
            XCTAssertEqual(mix[index].shares, [0, 1 - share, share])
        }
        let oracle = try XCTUnwrap(curve.points(.oracle).first)
        XCTAssertEqual(oracle.top1, 1)
        XCTAssertEqual(oracle.gigaFLOPs, (1 + 4 + 9 + 1) / 4, accuracy: 1e-9)
    }

    func testTheDynamicCurveGoesFromTheLargestToTheSmallestThroughThePredictorsChoice() throws {
        let results = many()
        let points = curve(results).points(.dynamic)
        XCTAssertEqual(points.first!.shares, [1, 0, 0])
        XCTAssertEqual(points.first!.gigaFLOPs, 9.5, accuracy: 1e-9, "with the predictor")
        XCTAssertEqual(points.last!.shares, [0, 0, 1])
        XCTAssertEqual(points.last!.milliseconds, 5, accuracy: 1e-9)
        XCTAssertEqual(points.map(\.parameter!), points.map(\.parameter!).sorted())
        for (one, next) in zip(points, points.dropFirst()) { XCTAssertLessThanOrEqual(next.gigaFLOPs, one.gigaFLOPs) }

        let zero = try XCTUnwrap(points.first { $0.parameter == 0 })
        let row = try XCTUnwrap(
            Evaluation(
                results: results.routed(0, flops.costs), flops: flops, classCount: 9, speed: .init(dynamic: nil, fixedLargest: nil),
                hasDecider: true
            ).dynamic)
        XCTAssertEqual(zero.top1, row.top1)
        XCTAssertEqual(zero.shares, row.shares)
        XCTAssertEqual(zero.gigaFLOPs, row.totalGFLOPs, accuracy: 1e-9)
    }

    func testTheCurvesAreThinnedEvenly() {
        let curve = curve(many())
        for (way, range) in [(Way.dynamic, 8.0), (.cascade, 13)] {
            let points = curve.points(way)
            XCTAssertTrue((40...51).contains(points.count), "\(way): \(points.count)")
            let steps = zip(points, points.dropFirst()).map { $0.gigaFLOPs - $1.gigaFLOPs }
            XCTAssertLessThan(steps.max()!, 3 * range / 49, "\(way)")
        }
    }

    func testCurvesOfFewOrUndecidedImages() {
        // A predictor that has no opinion, and one image.
        for results in [
            [image(0, [0, 0, 0], [1, 1, 1], [0, 0, 0])], [image(0, [0, 1, 2], [0.5, 0.5, 0.5], [-.infinity, 0, -.infinity])],
        ] {
            let curve = curve(results)
            XCTAssertTrue(curve.points(.dynamic).contains { $0.parameter == 0 })
            XCTAssertNoThrow(try XMLDocument(xmlString: curve.figure(title: "few").document.rendered))
        }
    }

    func testTheTableHasAPointALine() {
        let curve = curve(images())
        let lines = curve.csv().split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        XCTAssertEqual(lines[0].joined(separator: ","), "series,parameter,top1,gigaFLOPs,milliseconds,at96,at64,at32")
        XCTAssertEqual(Set(lines.map(\.count)), [8])
        XCTAssertEqual(lines.count - 1, curve.series.reduce(0) { $0 + $1.points.count })
        XCTAssertTrue(lines.contains { $0.joined(separator: ",") == "fixed,64,0.75,4,10,0,1,0" })
        XCTAssertTrue(lines.contains { $0.joined(separator: ",") == "oracle,,1,3.75,9.5,0.25,0.25,0.5" })
    }

    func testTheFigureShowsEverySeriesInBothPanels() throws {
        let title = "runs/<a & b>"
        let root = try XCTUnwrap(XMLDocument(xmlString: curve(many()).figure(title: title).document.rendered).rootElement())
        let texts = try root.nodes(forXPath: "//*[local-name()='text']").compactMap(\.stringValue)
        for name in ["random mix", "confidence cascade", "dynamic, any λ", "fixed resolution", "oracle", title] {
            XCTAssertEqual(texts.filter { $0 == name }.count, 1, name)
        }
        for unit in ["GFLOPs", "milliseconds", "top-1 accuracy (%)"] { XCTAssertTrue(texts.contains { $0.contains(unit) }, unit) }
        // Each label is painted twice, in two panels.
        for label in ["96 px", "64 px", "32 px", "λ = 0"] { XCTAssertEqual(texts.filter { $0 == label }.count, 4, label) }
        // Three curves and the axes in each panel, and the diamonds of the oracle in panels and legend.
        XCTAssertEqual(try root.nodes(forXPath: "//*[local-name()='polyline']").count, 2 * (3 + 1) + 3)
    }
}
