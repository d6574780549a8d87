import TestSupport
import XCTest

@testable import Charts

/// Charts for a column of a page: without a title, with the colours of the page, marks and intervals.
final class ColumnChartTests: XCTestCase {
    private func chart(_ points: [LineChart.Point], marks: [LineChart.Mark] = []) -> LineChart {
        var chart = LineChart(
            title: "t", subtitle: "what it shows", verticalTitle: "y",
            panels: [
                .init(
                    axisTitle: "x", series: [.init("s", color: "var(--blue)", line: .init(width: 2), marker: .cross, points: points)],
                    range: 0...100, marks: marks)
            ])
        chart.layout = .column
        chart.theme.background = nil
        chart.theme.paper = "var(--paper)"
        return chart
    }

    private func all(_ name: String, _ tree: XMLTree) -> [XMLTree] {
        (tree.name == name ? [tree] : []) + tree.children.flatMap { all(name, $0) }
    }

    func testThePageHasTheTitleAndTheDrawingADescription() throws {
        let root = try XMLTree.parse(chart([.init(x: 0, y: 1), .init(x: 100, y: 2)]).document.rendered)
        XCTAssertEqual(root.children.prefix(2).map(\.name), ["title", "desc"])
        XCTAssertEqual(root.children[1].text, "what it shows")
        XCTAssertFalse(all("text", root).contains { $0.text == "t" })
        XCTAssertFalse(all("rect", root).contains { $0.attributes["fill"] == "white" }, "no background")
        XCTAssertEqual(root.attributes["viewBox"]?.hasPrefix("0 0 480 "), true)
    }

    func testAnIntervalIsDrawnAndTheAxisCoversIt() throws {
        let chart = chart([.init(x: 0, y: 50), .init(x: 100, y: 60, interval: 20...95)])
        let root = try XMLTree.parse(chart.document.rendered)
        let lines = all("line", root).filter { $0.attributes["stroke"] == "var(--blue)" && $0.attributes["stroke-width"] == "1.2" }
        XCTAssertEqual(lines.count, 3, "a line and two caps")
        let heights = [lines[0].attributes["y1"], lines[0].attributes["y2"]].compactMap { $0.flatMap(Double.init) }
        XCTAssertGreaterThan(heights[0], heights[1], "the lower end is below")
        for height in heights { XCTAssertTrue((14.0...264).contains(height), "\(height) is inside of the panel") }
    }

    func testMarksHaveLabelsWhereThereIsRoom() throws {
        let marks = [LineChart.Mark(x: 0, label: "warmUp"), .init(x: 50, label: "fineTune"), .init(x: 99, label: "recalibrate")]
        let root = try XMLTree.parse(chart([.init(x: 0, y: 1), .init(x: 100, y: 2)], marks: marks).document.rendered)
        XCTAssertEqual(all("line", root).filter { $0.attributes["stroke-dasharray"] == "2 3" }.count, 3)
        let texts = all("text", root).map(\.text)
        XCTAssertTrue(texts.contains("warmUp") && texts.contains("fineTune") && !texts.contains("recalibrate"), "\(texts)")
    }

    func testARangeThatDoesNotBeginAtZeroIsKept() throws {
        var chart = chart([.init(x: 40, y: 1), .init(x: 60, y: 2)])
        chart.panels[0].range = 40...60
        let texts = all("text", try XMLTree.parse(chart.document.rendered)).map(\.text)
        XCTAssertTrue(texts.contains("40") && !texts.contains("0"), "\(texts)")
    }

    func testEveryMarkerIsAnotherShape() {
        let shapes = [LineChart.Marker.dot, .ring, .square, .diamond, .triangle, .cross].map { marker in
            var document = SVGDocument(width: 20, height: 20, title: "")
            document.add(marker.element(at: (10, 10), color: "red", paper: "white"))
            return document.rendered
        }
        XCTAssertEqual(Set(shapes).count, 6)
    }
}
