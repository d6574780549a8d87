import XCTest

@testable import Communication

/// What one rank concludes from heartbeats. No time passes: the tests pass in the seconds.
final class RankTableTests: XCTestCase {
    private let limits = WatchdogLimits(seconds: 10, savingSeconds: 100)

    private func state(
        _ progress: Int, collectives: Int = 0, in collective: String? = nil, phase: RankPhase = .computing
    ) -> RankState {
        RankState(phase: phase, context: "step 3", collectives: collectives, collective: collective, progress: progress)
    }

    /// Three ranks; rank 0 and rank 2 wait in the fifth collective since second 0, and rank 1 computes.
    private func waiting() -> RankTable {
        var table = RankTable(rank: 0, rankCount: 3)
        table.hear(state(9, collectives: 5, in: "MPI_Barrier (x)"), of: 0, at: 0)
        table.hear(state(9, collectives: 5, in: "MPI_Barrier (x)"), of: 2, at: 0)
        table.hear(state(8, collectives: 4), of: 1, at: 0)
        return table
    }

    /// Heartbeats with an unchanged state, from some ranks.
    private func beat(_ table: inout RankTable, _ ranks: [Int], at now: Double) {
        for rank in ranks { table.hear(table.entries[rank].state, of: rank, at: now) }
    }

    func testTheRankThatHasNotEnteredTheCollectiveIsLateAndNotTheOnesThatWait() {
        var table = waiting()
        XCTAssertEqual(table.waitedFor(at: 0), [1])
        beat(&table, [0, 1, 2], at: 10)
        XCTAssertNil(table.verdict(at: 10, limits))
        beat(&table, [0, 1, 2], at: 10.5)
        XCTAssertEqual(table.verdict(at: 10.5, limits), [1])
        XCTAssertEqual(table.reporter(of: [1], at: 10.5), 0)
    }

    func testProgressOfTheSlowRankStartsTheTimeAgain() {
        var table = waiting()
        for number in 1...50 {
            let now = Double(number) * 4
            table.hear(state(8 + number, collectives: 4), of: 1, at: now)
            beat(&table, [0, 2], at: now)
            XCTAssertNil(table.verdict(at: now + 3.9, limits), "number \(number)")
        }
        beat(&table, [0, 1, 2], at: 211)
        XCTAssertEqual(table.verdict(at: 211, limits), [1])
    }

    func testALivingRankThatSavesHasItsOwnLimitAndASilentOneHasNot() {
        var table = waiting()
        table.hear(state(9, collectives: 4, phase: .saving), of: 1, at: 1)
        beat(&table, [0, 1, 2], at: 60)
        XCTAssertNil(table.verdict(at: 60, limits))
        beat(&table, [0, 1, 2], at: 102)
        XCTAssertEqual(table.verdict(at: 102, limits), [1])
        XCTAssertNil(table.verdict(at: 102, WatchdogLimits(seconds: 10, savingSeconds: 0)), "no limit")

        table = waiting()
        table.hear(state(9, collectives: 4, phase: .saving), of: 1, at: 1)
        beat(&table, [0, 2], at: 60)
        XCTAssertEqual(table.verdict(at: 60, limits), [1])
    }

    func testASilentRankCountsAlthoughItEnteredTheCollective() {
        var table = waiting()
        table.hear(state(9, collectives: 5, in: "MPI_Barrier (x)"), of: 1, at: 1)
        beat(&table, [0, 2], at: 12)
        XCTAssertEqual(table.condition(of: 1, at: 12), .silent)
        XCTAssertEqual(table.verdict(at: 12, limits), [1])
    }

    func testACollectiveThatAllLivingRanksAreInIsStuckItself() {
        var table = waiting()
        table.hear(state(9, collectives: 5, in: "MPI_Barrier (x)"), of: 1, at: 5)
        beat(&table, [0, 1, 2], at: 14)
        XCTAssertNil(table.verdict(at: 14, limits))
        beat(&table, [0, 1, 2], at: 15.5)
        XCTAssertEqual(table.verdict(at: 15.5, limits), [])
        let message = Verdict(table: table, hosts: ["a", "b", "b"], ranks: [], now: 15.5).message
        XCTAssertTrue(message.hasPrefix("rank 0 on a, step 3: MPI_Barrier (x) has not finished after 10 s"), message)
    }

    func testARankWithoutHeartbeatsIsJudgedByTheTimeOfTheCollective() {
        var table = RankTable(rank: 0, rankCount: 2)
        table.hear(state(1, collectives: 1, in: "MPI_Barrier (x)"), of: 0, at: 3)
        XCTAssertNil(table.verdict(at: 13, limits))
        XCTAssertEqual(table.verdict(at: 13.5, limits), [1])
        XCTAssertEqual(table.condition(of: 1, at: 13.5), .unheard)
        XCTAssertNil(table.verdict(at: 1e6, WatchdogLimits()), "no limit")
    }

    func testARankThatComputesJudgesNobody() {
        var table = waiting()
        table.hear(state(10, collectives: 5), of: 0, at: 1)
        XCTAssertNil(table.verdict(at: 1000, limits))
    }

    func testTheLowestLivingRankReports() {
        var table = waiting()
        beat(&table, [0, 1, 2], at: 1)
        table.report(.stopped, of: 1)
        XCTAssertEqual(table.reporter(of: [0], at: 1), 2)
        XCTAssertEqual(table.reporter(of: [2], at: 1), 0)
        XCTAssertEqual(table.reporter(of: [0, 2], at: 1), 0, "nobody is left, so the rank itself reports")
    }

    func testStoppedSlowDeadAndSilentRanksAreToldApartInWords() {
        var table = waiting()
        let hosts = ["a", "b", "b"]
        func message(at now: Double) -> String { Verdict(table: table, hosts: hosts, ranks: [1], now: now).message }
        var slow = state(8, collectives: 4)
        for second in 1...20 {
            slow.processorSeconds += 0.9
            table.hear(slow, of: 1, at: Double(second))
            beat(&table, [0, 2], at: Double(second))
        }
        XCTAssertEqual(
            message(at: 20),
            "rank 1 on b has made no progress for 20 s, computing in step 3: its process computes with 90 % of a core: it is slow, or in "
                + "an endless loop; ranks 0, 2 wait in MPI_Barrier (x). The job ends; resume from the last checkpoint, or raise "
                + "communication.timeoutSeconds")
        beat(&table, [0, 1, 2], at: 25)
        XCTAssertTrue(message(at: 25).contains("uses no processor time"), message(at: 25))
        beat(&table, [0, 2], at: 40)
        XCTAssertTrue(message(at: 40).contains("no heartbeat has arrived for 15 s"), message(at: 40))
        XCTAssertTrue(message(at: 40).contains("stopped or has ended, since its host answers"), message(at: 40))
        XCTAssertTrue(message(at: 60).contains("no rank of that host answers"), message(at: 60))
        table.report(.unreachable, of: 1)
        XCTAssertTrue(message(at: 40).contains("its host cannot be reached"), message(at: 40))
        table.report(.stopped, of: 1)
        XCTAssertTrue(message(at: 40).contains("its process is stopped, as by SIGSTOP"), message(at: 40))
        table.report(.dead, of: 1)
        XCTAssertTrue(message(at: 40).contains("its process has ended"), message(at: 40))
        XCTAssertFalse(message(at: 40).contains("timeoutSeconds"), "a longer time does not help")
    }

    func testManyLateRanksAreOneLine() {
        var table = RankTable(rank: 0, rankCount: 20)
        table.hear(state(1, collectives: 1, in: "MPI_Barrier (x)"), of: 0, at: 0)
        let message = Verdict(table: table, hosts: (0..<20).map { "n\($0)" }, ranks: Array(1..<20), now: 11).message
        XCTAssertTrue(message.contains("rank 4 on n4"), message)
        XCTAssertTrue(message.contains("likewise ranks 5–19;"), message)
    }

    func testAHeartbeatThatIsOvertakenIsIgnored() {
        var table = waiting()
        table.hear(state(7, collectives: 3), of: 1, at: 2)
        XCTAssertEqual(table.entries[1].state.collectives, 4)
    }

    func testTheClockStandsWhileTheProcessDoesNotRun() {
        var clock = RunningClock()
        for (now, seconds) in [(5, 0.0), (6, 1), (8, 3), (1000, 5), (1001, 6), (900, 6)] {
            clock.look(at: UInt64(now) * 1_000_000_000, longest: 2)
            XCTAssertEqual(clock.seconds, seconds, accuracy: 1e-9)
        }
    }

    func testAStartTimeoutIsANumberOfSeconds() throws {
        XCTAssertEqual(try StartWatch.limit([:]), 120)
        XCTAssertEqual(try StartWatch.limit(["DRNET_START_TIMEOUT": "2.5"]), 2.5)
        XCTAssertEqual(try StartWatch.limit(["DRNET_START_TIMEOUT": "0"]), 0)
        for value in ["soon", "-1", "inf"] {
            XCTAssertThrowsError(try StartWatch.limit(["DRNET_START_TIMEOUT": value])) {
                XCTAssertTrue("\($0)".hasPrefix("DRNET_START_TIMEOUT is '\(value)'"), "\($0)")
            }
        }
    }
}
