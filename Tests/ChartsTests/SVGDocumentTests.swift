import Charts
import Foundation
import XCTest

#if canImport(FoundationXML)
import FoundationXML
#endif

final class SVGDocumentTests: XCTestCase {
    private func parse(_ document: SVGDocument) throws -> XMLElement {
        try XCTUnwrap(XMLDocument(xmlString: document.rendered).rootElement())
    }

    func testEveryElementIsThereInTheOrderOfPainting() throws {
        var document = SVGDocument(width: 200, height: 100.5, title: "All elements")
        document.add(.rect(x: 1, y: 2.25, width: 3, height: 4, cornerRadius: 1, SVGStyle(fill: "red")))
        document.add(.line(from: (0, 0), to: (10, 1.0 / 3), SVGStyle(stroke: "#888", strokeWidth: 0.5, dashes: [4, 2])))
        document.add(.polyline([(0, 0), (1, 2), (-0.001, 4)], SVGStyle(stroke: "blue")))
        document.add(.circle(x: 5, y: 6, radius: 7, SVGStyle(opacity: 0.5)))
        document.add(.group(x: 10, y: 20, SVGStyle(fill: "green"), [.text("a", x: 1, y: 2, size: 12, anchor: .end, isBold: true, rotation: -90)]))
        let root = try parse(document)
        XCTAssertEqual(root.name, "svg")
        XCTAssertEqual(root.attribute(forName: "viewBox")?.stringValue, "0 0 200 100.5")
        let children = (root.children ?? []).compactMap { $0 as? XMLElement }
        XCTAssertEqual(children.map(\.name), ["title", "rect", "rect", "line", "polyline", "circle", "g"])
        XCTAssertEqual(children[0].stringValue, "All elements")
        XCTAssertEqual(children[2].attribute(forName: "y")?.stringValue, "2.25")
        XCTAssertEqual(children[3].attribute(forName: "y2")?.stringValue, "0.33")
        XCTAssertEqual(children[3].attribute(forName: "stroke-dasharray")?.stringValue, "4 2")
        XCTAssertEqual(children[4].attribute(forName: "points")?.stringValue, "0,0 1,2 0,4")
        XCTAssertEqual(children[4].attribute(forName: "fill")?.stringValue, "none")
        let text = try XCTUnwrap(children[6].children?.first as? XMLElement)
        XCTAssertEqual(text.attribute(forName: "text-anchor")?.stringValue, "end")
        XCTAssertEqual(text.attribute(forName: "transform")?.stringValue, "rotate(-90 1 2)")
    }

    func testAnyTextIsEscaped() throws {
        let strange = "a < b & \"c\" > 'd' é 日 ]]>"
        var document = SVGDocument(width: 10, height: 10, title: strange)
        document.add(.text(strange + "\u{1}\n", x: 0, y: 0, size: 1, SVGStyle(fill: "\"><script>")))
        let root = try parse(document)
        XCTAssertEqual(root.children?.first?.stringValue, strange)
        XCTAssertEqual(root.children?.last?.stringValue, strange + "\u{FFFD} ")
        XCTAssertEqual((root.children?.last as? XMLElement)?.attribute(forName: "fill")?.stringValue, "\"><script>")
    }
}
