import Foundation
import Interchange
import XCTest

@testable import Evaluation

final class WayTests: XCTestCase {
    private let names: [(Way, String)] = [
        (.dynamic, "dynamic"), (.fixed(resolution: 96), "fixed 96"), (.fixedResolutions, "fixed"),
        (.randomSameShares, "random, same shares"), (.randomSameCost, "random, same cost"), (.randomMix, "randomMix"),
        (.cascade, "cascade"), (.oracle, "oracle"),
    ]

    func testNamesInFilesAndTablesAreThese() throws {
        for (way, name) in names {
            XCTAssertEqual(way.name, name)
            XCTAssertEqual(String(decoding: try JSON.encode([way], .compact), as: UTF8.self), "[\"\(name)\"]")
            XCTAssertEqual(try JSON.decode([Way].self, from: Data("[\"\(name)\"]".utf8), source: "test"), [way])
        }
    }

    func testOtherNamesAreRefused() {
        for name in ["", "fixed x", "Dynamic", "random"] {
            XCTAssertThrowsError(try JSON.decode([Way].self, from: Data("[\"\(name)\"]".utf8), source: "curve.json"), name) {
                XCTAssertTrue("\($0)".contains("curve.json"), "\($0)")
            }
        }
    }

    func testRowsAndSeriesKeepTheirKeys() throws {
        let row = EvaluationRow(
            way: .fixed(resolution: 64), top1: 0, top5: 0, classifierGFLOPs: 0, totalGFLOPs: 0, classifierShare: 0, totalShare: 0,
            shares: [])
        XCTAssertEqual(
            String(decoding: try JSON.encode(row, .compact), as: UTF8.self),
            #"{"classifierGFLOPs":0,"classifierShare":0,"name":"fixed 64","shares":[],"top1":0,"top5":0,"totalGFLOPs":0,"totalShare":0}"#)
        XCTAssertEqual(
            String(decoding: try JSON.encode(OperatingCurve.Series(way: .fixedResolutions, points: []), .compact), as: UTF8.self),
            #"{"points":[],"way":"fixed"}"#)
    }
}
