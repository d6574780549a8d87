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
        XCTAssertEqual(CSV.rows("a,b\r\n\r\nc,\"d\"\r\n"), [["a", "b"], ["c", "d"]])
        XCTAssertEqual(CSV.rows("a,b\nc,d"), [["a", "b"], ["c", "d"]])
        XCTAssertEqual(CSV.rows(""), [])
    }
}
