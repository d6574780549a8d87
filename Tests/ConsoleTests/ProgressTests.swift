import Console
import XCTest

final class ProgressTests: XCTestCase {
    func testABarHasTheSameLengthAtEveryShare() {
        for share in [-1, 0, 0.01, 0.5, 0.999, 1, 7, .nan, .infinity] {
            XCTAssertEqual(ProgressBar.text(share, width: 10).count, 12, "\(share)")
        }
        XCTAssertEqual(ProgressBar.text(0, width: 4), "▕    ▏")
        XCTAssertEqual(ProgressBar.text(0.5, width: 4), "▕██  ▏")
        XCTAssertEqual(ProgressBar.text(0.3125, width: 4), "▕█▎  ▏")
        XCTAssertEqual(ProgressBar.text(1, width: 4), "▕████▏")
        XCTAssertEqual(ProgressBar.text(1, width: 0).count, 3)
    }

    func testColoursAreForTerminalsThatCanAndUsersWhoWant() {
        func isShown(_ isTerminal: Bool, _ environment: [String: String]) -> Bool {
            ConsoleColor.isShown(isTerminal: isTerminal, environment: environment.merging(["TERM": "xterm"]) { first, _ in first })
        }
        XCTAssertTrue(isShown(true, [:]))
        XCTAssertTrue(isShown(true, ["NO_COLOR": ""]), "an empty value counts as absent")
        XCTAssertFalse(isShown(true, ["NO_COLOR": "1"]))
        XCTAssertFalse(isShown(true, ["TERM": "dumb"]))
        XCTAssertFalse(isShown(false, [:]))
        // mpirun's pseudo-terminals are no terminals of a person.
        XCTAssertFalse(isShown(true, ["OMPI_COMM_WORLD_SIZE": "2"]))
        XCTAssertTrue(isShown(false, ["OMPI_COMM_WORLD_SIZE": "2", "DRNET_TERMINAL_WIDTH": "80"]))
        XCTAssertFalse(isShown(false, ["OMPI_COMM_WORLD_SIZE": "2", "DRNET_TERMINAL_WIDTH": "80", "NO_COLOR": "1"]))
        XCTAssertEqual(ConsoleColor.red.paint("a", if: false), "a")
        XCTAssertEqual(ConsoleColor.red.paint("a", if: true), "\u{1B}[1;31ma\u{1B}[0m")
    }
}
