import XCTest

@testable import Interchange

final class CSVTests: XCTestCase {
    func testOnlyFieldsWithSpecialCharactersAreQuoted() {
        XCTAssertEqual(
            CSV.text([["a", "b c", ""], ["x,y", "say \"x\"", "two\nlines"], ["naïve", "cr\r", "\"\""]]),
            "a,b c,\n\"x,y\",\"say \"\"x\"\"\",\"two\nlines\"\nnaïve,\"cr\r\",\"\"\"\"\"\"\n")
    }

    func testReadingReturnsTheWrittenRows() {
        let rows = [["a", "b c", ""], ["x,y", "say \"x\"", "two\nlines"], ["naïve", "cr\r\n", "\"\""], ["", "", ""]]
        XCTAssertEqual(CSV.rows(CSV.text(rows)), rows)
        // A quote with a combining mark is one character of Swift; launch/fuzz found it.
        let marks = [["\"\u{59C}", "a\"\u{301}\u{301},b\n"], ["\r\n\"\u{FE0F}", "x"]]
        XCTAssertEqual(CSV.rows(CSV.text(marks)), marks)
        XCTAssertEqual(CSV.rows("a,b\r\n\r\nc,\"d\"\r\n"), [["a", "b"], ["c", "d"]])
        XCTAssertEqual(CSV.rows("a,b\nc,d"), [["a", "b"], ["c", "d"]])
        XCTAssertEqual(CSV.rows(""), [])
    }
}
