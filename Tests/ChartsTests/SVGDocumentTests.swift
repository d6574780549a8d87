import Charts
import TestSupport
import XCTest

final class SVGDocumentTests: XCTestCase {
    func testRendersAllElementsInPaintingOrder() throws {
        var document = SVGDocument(width: 200, height: 100.5, title: "All elements")
        document.add(.rect(x: 1, y: 2.25, width: 3, height: 4, cornerRadius: 1, SVGStyle(fill: "red")))
        document.add(.line(from: (0, 0), to: (10, 1.0 / 3), SVGStyle(stroke: "#888", strokeWidth: 0.5, dashes: [4, 2])))
        document.add(.polyline([(0, 0), (1, 2), (-0.001, 4)], SVGStyle(stroke: "blue")))
        document.add(.circle(x: 5, y: 6, radius: 7, SVGStyle(opacity: 0.5)))
        document.add(
            .group(x: 10, y: 20, SVGStyle(fill: "green"), [.text("a", x: 1, y: 2, size: 12, anchor: .end, isBold: true, rotation: -90)]))
        let root = try XMLTree.parse(document.rendered)
        XCTAssertEqual(root.name, "svg")
        XCTAssertEqual(root.attributes["viewBox"], "0 0 200 100.5")
        let children = root.children
        XCTAssertEqual(children.map(\.name), ["title", "rect", "rect", "line", "polyline", "circle", "g"])
        XCTAssertEqual(children[0].text, "All elements")
        XCTAssertEqual(children[2].attributes["y"], "2.25")
        XCTAssertEqual(children[3].attributes["y2"], "0.33")
        XCTAssertEqual(children[3].attributes["stroke-dasharray"], "4 2")
        XCTAssertEqual(children[4].attributes["points"], "0,0 1,2 0,4")
        XCTAssertEqual(children[4].attributes["fill"], "none")
        let text = try XCTUnwrap(children[6].children.first)
        XCTAssertEqual(text.attributes["text-anchor"], "end")
        XCTAssertEqual(text.attributes["transform"], "rotate(-90 1 2)")
    }

    func testEscapesText() throws {
        let strange = "a < b & \"c\" > 'd' é 日 ]]>"
        var document = SVGDocument(width: 10, height: 10, title: strange)
        document.add(.text(strange + "\u{1}\n", x: 0, y: 0, size: 1, SVGStyle(fill: "\"><script>")))
        let root = try XMLTree.parse(document.rendered)
        XCTAssertEqual(root.children.first?.text, strange)
        XCTAssertEqual(root.children.last?.text, strange + "\u{FFFD} ")
        XCTAssertEqual(root.children.last?.attributes["fill"], "\"><script>")
    }
}
