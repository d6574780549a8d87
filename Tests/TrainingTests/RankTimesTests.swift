import Communication
import Foundation
import Interchange
import XCTest

@testable import Training

final class RankTimesTests: XCTestCase {
    /// - Parameter waiting: of each rank; all spend 100 s.
    private func times(waiting: [Double], loading: [Double]? = nil) -> RankTimes {
        RankTimes(
            parts: waiting.enumerated().flatMap { rank, seconds in
                let loading = loading?[rank] ?? 0
                return [90 - seconds - loading, seconds, 10, loading, 0]
            })
    }

    func testARankThatTheOthersWaitForIsNamedWithItsHost() {
        let hosts = ["node1", "node1", "node2", "node2"]
        XCTAssertEqual(
            times(waiting: [17, 17, 17, 2]).summary(hosts: hosts),
            "time of the steps: computing 77 %, waiting 13 %, communicating 10 %, loading 0 %, saving 0 %; "
                + "rank 3 on node2 waits 2 %, the others 17 %: this rank is slow")
        XCTAssertTrue(
            times(waiting: [17, 17, 2, 4]).summary(hosts: hosts).hasSuffix(
                "; ranks 2, 3 on node2 wait 3 %, the others 17 %: node2 is slow"))
        XCTAssertTrue(
            times(waiting: [17, 1]).summary(hosts: ["a", "b"]).hasSuffix("; rank 1 on b waits 1 %, the others 17 %: b is slow"))
        XCTAssertTrue(
            times(waiting: [17, 1], loading: [0, 16]).summary(hosts: ["a", "b"]).hasSuffix("b is slow in loading images"))
    }

    func testRanksOfEqualSpeedAreNotAccused() {
        XCTAssertFalse(times(waiting: [5, 3, 4, 4]).summary(hosts: ["a", "a", "b", "b"]).contains(";"))
        XCTAssertEqual(
            RankTimes(parts: [96, 0, 0, 3, 1]).summary(hosts: ["a"]), "time of the steps: computing 96 %, loading 3 %, saving 1 %")
    }

    func testARecordHasAnArrayForEachPart() throws {
        var sum = times(waiting: [17.00049, 1])
        sum.add(times(waiting: [1, 1]))
        let object = try JSONSerialization.jsonObject(with: JSON.encode(sum, .compact)) as? [String: [Double]]
        XCTAssertEqual(object?["waiting"], [18, 2])
        XCTAssertEqual(object?.keys.sorted(), ["communicating", "computing", "loading", "saving", "waiting"])
    }

    /// Rank 1 computes longer before a collective, and rank 0 waits for it there. Both saw the same time of communication.
    func testTheRankThatEntersLastDoesNotWait() throws {
        try InMemoryCommunicator.run(rankCount: 2) { communicator in
            let clock = StepClock()
            let exchange = { try clock.collective { try communicator.barrier(label: "a collective") } }
            try exchange()
            clock.run()
            for _ in 0..<2 {
                if communicator.rank == 1 { Thread.sleep(forTimeInterval: 0.2) }
                try exchange()
            }
            if communicator.rank == 0 { Thread.sleep(forTimeInterval: 0.1) }
            clock.addLoading(0.01)
            clock.save { if communicator.rank == 0 { Thread.sleep(forTimeInterval: 0.05) } }
            let times = try clock.settle(communicator)
            XCTAssertGreaterThan(times.waiting[0], 0.3, "\(times)")
            XCTAssertLessThan(times.waiting[1], times.waiting[0] / 2, "\(times)")
            XCTAssertEqual(times.communicating[0], times.communicating[1])
            XCTAssertGreaterThan(times.computing[1], 0.39, "\(times)")
            XCTAssertEqual(times.loading, [0.01, 0.01])
            XCTAssertGreaterThan(times.saving[0], 0.04)
            XCTAssertEqual(times.saving[1], 0, accuracy: 0.04)
            clock.stop()
            try exchange()
            let next = try clock.settle(communicator)
            XCTAssertEqual(next.waiting + next.communicating, [0, 0, 0, 0], "a clock that is stopped measures nothing")
        }
    }
}
