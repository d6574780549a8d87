import Foundation
import XCTest

@testable import Charts

#if canImport(FoundationXML)
    import FoundationXML
#endif

final class LineChartTests: XCTestCase {
    func testAxesHaveRoundTicksThatCoverTheRange() {
        for (range, steps, texts) in [
            (0...1, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (62.5...99.8, 8, ["60", "65", "70", "75", "80", "85", "90", "95", "100"]),
            (0...0.0249, 6, ["0.000", "0.005", "0.010", "0.015", "0.020", "0.025"]), (0...4.1, 6, ["0", "1", "2", "3", "4", "5"]),
            (-3...3, 4, ["-4", "-2", "0", "2", "4"]), (0...1234, 5, ["0", "500", "1000", "1500"]),
        ] as [(ClosedRange<Double>, Int, [String])] {
            let axis = Axis(covering: range, steps: steps)
            XCTAssertEqual(axis.ticks.map(axis.text), texts, "\(range)")
            XCTAssertTrue(axis.lower <= range.lowerBound && axis.upper >= range.upperBound, "\(range)")
        }
    }

    func testAxisCoversASingleValue() {
        for value in [0.0, 50, -1, 1e-9, 1e12] {
            let axis = Axis(covering: value...value, steps: 5)
            XCTAssertLessThan(axis.lower, axis.upper)
            XCTAssertTrue((axis.lower...axis.upper).contains(value), "\(value)")
            XCTAssertLessThan(axis.ticks.count, 20)
        }
    }

    private func chart(_ points: [LineChart.Point]) -> LineChart {
        LineChart(
            title: "A < B", subtitle: "C & D", verticalTitle: "up",
            panels: ["x", "y"].map { name in
                LineChart.Panel(
                    axisTitle: name,
                    series: [
                        LineChart.Series("line", color: "blue", line: .init(width: 2, dashes: [4, 2]), marker: .dot, points: points),
                        LineChart.Series("squares", color: "black", marker: .square, points: points),
                        LineChart.Series("nothing", color: "red", marker: .ring, points: []),
                    ])
            })
    }

    func testDrawsEverythingInsideTheDocument() throws {
        let points = [
            LineChart.Point(x: 0, y: 60, label: "first"), LineChart.Point(x: 3, y: 99), LineChart.Point(x: 10, y: 100, label: "last"),
        ]
        let document = chart(points).document
        let root = try XCTUnwrap(XMLDocument(xmlString: document.rendered).rootElement())
        func numbers(_ element: String, _ attribute: String) throws -> [Double] {
            try root.nodes(forXPath: "//*[local-name()='\(element)']/@\(attribute)").compactMap { Double($0.stringValue ?? "") }
        }
        for (attribute, limit) in [("x", document.width), ("y", document.height)] {
            for value in try numbers("text", attribute) + numbers("circle", "c" + attribute) {
                XCTAssertTrue((0...limit).contains(value), "\(attribute) \(value)")
            }
        }
        // Three squares for each of two series in two panels, and one in the legend. The background and the frame are larger.
        XCTAssertEqual(try numbers("rect", "width").filter { $0 == 10 }.count, 2 * 3 + 1)
        XCTAssertEqual(try numbers("circle", "r").filter { $0 == 2.5 }.count, 2 * 3 + 1)
    }

    func testLargerValuesAreDrawnHigherAndFurtherRight() throws {
        let root = try XCTUnwrap(XMLDocument(xmlString: chart([.init(x: 1, y: 1), .init(x: 2, y: 3)]).document.rendered).rootElement())
        let lines = try root.nodes(forXPath: "//*[local-name()='polyline' and @stroke='blue']/@points").compactMap(\.stringValue)
        XCTAssertEqual(lines.count, 2)
        let places = lines[0].split(separator: " ").map { $0.split(separator: ",").map { Double($0)! } }
        XCTAssertLessThan(places[0][0], places[1][0])
        XCTAssertGreaterThan(places[0][1], places[1][1])
    }

    func testLabelsAvoidCurvesAndOtherLabels() {
        let bounds = LabelPlacer.Box(left: 0, top: 0, right: 400, bottom: 300)
        // A curve to the lower right of every point, and points close together.
        let curve = LabelPlacer.Path(points: (0...40).map { (x: 10 * Double($0), y: 150 + 3 * Double($0)) }, isConnected: true)
        let marker = LabelPlacer.Path(points: [(125, 185)], isConnected: false, markerRadius: 8)
        var placer = LabelPlacer(bounds: bounds, paths: [curve, marker])
        let boxes = [(100.0, 180.0), (104, 181), (110, 183), (0, 150), (399, 269)].map { placer.place("96 px", beside: $0, size: 12) }
        for (index, box) in boxes.enumerated() {
            XCTAssertTrue(box.lies(in: bounds), "\(box)")
            XCTAssertFalse(curve.points.contains(where: box.contains), "\(box) is on the curve")
            XCTAssertFalse([(117.0, 185.0), (133, 185), (125, 177), (125, 193)].contains(where: box.contains), "\(box) is on the marker")
            XCTAssertFalse(boxes[..<index].contains(where: box.overlaps), "\(box) is on another label")
        }
    }

    func testWideLegendsUseMoreRows() {
        let series = (0..<5).map { LineChart.Series("series \($0)", color: "red", marker: .dot, points: []) }
        XCTAssertLessThan(Legend(series, width: 900).height, Legend(series, width: 300).height)
    }
}
