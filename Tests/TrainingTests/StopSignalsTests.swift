import Foundation
import XCTest

@testable import Training

final class StopSignalsTests: XCTestCase {
    func testEachSignalAsksForAStopAndAWaitingThreadSeesIt() {
        defer {
            for number in [SIGTERM, SIGUSR1] { signal(number, SIG_DFL) }
            StopSignals.forget()
        }
        for number in [SIGTERM, SIGUSR1] {
            StopSignals.listen()
            XCTAssertFalse(StopSignals.wasReceived)
            let seen = expectation(description: "signal \(number) is seen")
            Thread.detachNewThread {
                // Without an atomic the compiler may read the flag once and spin forever.
                while !StopSignals.wasReceived {}
                seen.fulfill()
            }
            Thread.sleep(forTimeInterval: 0.05)
            raise(number)
            wait(for: [seen], timeout: 5)
        }
    }
}
