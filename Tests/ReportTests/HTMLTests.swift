import TestSupport
import XCTest

@testable import Report

final class HTMLTests: XCTestCase {
    private let strange = "<script>alert(1)</script> \"' & ]]> é 日 \u{1}\u{0}\u{85}\u{FFFE}\u{202E}"

    func testTextNeverBecomesMarkup() throws {
        let html = HTML.element("p", [("title", strange)], [.text(strange), "literal <b> \(strange)", .name(strange)])
        let tree = try XMLTree.parse(html.markup)
        XCTAssertEqual(tree.children.map(\.name), ["bdi"])
        let expected = "<script>alert(1)</script> \"' & ]]> é 日 \u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{202E}"
        XCTAssertEqual(tree.attributes["title"], expected)
        XCTAssertEqual(tree.text, expected + "literal <b> " + expected)
        XCTAssertEqual(tree.children[0].text, expected)
    }

    func testTheFirstColumnOfATableNamesTheRow() throws {
        let table = HTML.Table(
            caption: "c", columns: [.init("name", isNumber: false), .init("number")], rows: [["a <x>", "1"], ["b", "2"]])
        let box = try XMLTree.parse(table.html.markup)
        XCTAssertEqual(box.attributes["tabindex"], "0", "the keyboard reaches a box that scrolls")
        let rows = try XCTUnwrap(box.children.first).children(named: "tbody")[0].children
        XCTAssertEqual(rows.map { $0.children.map(\.name) }, [["th", "td"], ["th", "td"]])
        XCTAssertEqual(rows[0].children[0].attributes["scope"], "row")
        XCTAssertEqual(rows[0].children[0].text, "a <x>")
    }

    func testIntervalsAreWilsons() throws {
        // Newcombe (1998), table I: 81 of 263, and 0 of 20.
        let interval = try XCTUnwrap(WilsonInterval.of(81.0 / 263, images: 263))
        XCTAssertEqual(interval.lowerBound, 0.2553, accuracy: 5e-5)
        XCTAssertEqual(interval.upperBound, 0.3662, accuracy: 5e-5)
        XCTAssertEqual(try XCTUnwrap(WilsonInterval.of(0, images: 20)).upperBound, 0.1611, accuracy: 5e-5)
        XCTAssertNil(WilsonInterval.of(0.5, images: 0))
        XCTAssertNil(WilsonInterval.of(.nan, images: 9))
    }
}
