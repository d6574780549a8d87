import Communication
import XCTest

final class RankJobTests: XCTestCase {
    private struct Failure: Error {}

    func testAProcessAloneIsRankZeroWithAllItsCores() throws {
        var runs = 0
        try RankJob.run(timeoutSeconds: 0) { job in
            XCTAssertTrue(job.isRoot)
            XCTAssertEqual(job.communicator.rankCount, 1)
            XCTAssertGreaterThan(job.threadCount, 0)
            runs += 1
        }
        XCTAssertEqual(runs, 1)
    }

    func testAProcessAloneThrowsErrorsAndExitStatuses() {
        for isStatus in [false, true] {
            XCTAssertThrowsError(
                try RankJob.run(timeoutSeconds: 0, isExitStatus: { _ in isStatus }) { _ in throw Failure() }
            ) {
                XCTAssertTrue($0 is Failure)
            }
        }
    }
}
