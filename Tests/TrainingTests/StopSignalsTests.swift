import Foundation
import XCTest

@testable import Training

final class StopSignalsTests: XCTestCase {
    func testEachSignalAsksForAStopAndAWaitingThreadSeesIt() {
        defer {
            for number in [SIGTERM, SIGUSR1, SIGHUP] { signal(number, SIG_DFL) }
            StopSignals.forget()
        }
        for number in [SIGTERM, SIGUSR1, SIGHUP] {
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

    /// `nohup` ignores SIGHUP before it starts a program.
    func testAHangUpThatIsIgnoredStaysIgnored() {
        defer {
            for number in [SIGTERM, SIGUSR1, SIGHUP] { signal(number, SIG_DFL) }
            StopSignals.forget()
        }
        signal(SIGHUP, SIG_IGN)
        StopSignals.listen()
        raise(SIGHUP)
        XCTAssertFalse(StopSignals.wasReceived)
    }
}
