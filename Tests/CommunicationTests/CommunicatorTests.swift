import XCTest

@testable import Communication

final class CommunicatorTests: XCTestCase {
    func testInMemoryRanksReduceGatherAndBroadcast() throws {
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            var sums = [Double(communicator.rank), 1]
            try communicator.allReduceSum(&sums, label: "sums")
            XCTAssertEqual(sums, [3, 3])
            let texts = try communicator.allGatherStrings(String(repeating: "é", count: communicator.rank), label: "texts")
            XCTAssertEqual(texts, ["", "é", "éé"])
            let data = try communicator.broadcast(Data([UInt8(communicator.rank)]), root: 2, label: "data")
            XCTAssertEqual(data, Data([2]))
        }
    }

    func testInMemoryRanksExchangeParts() throws {
        // Rank a sends a · b values to rank b.
        try InMemoryCommunicator.run(rankCount: 3) { communicator in
            let counts = (0..<3).map { communicator.rank * $0 }
            let values = counts.enumerated().flatMap { [Float](repeating: Float(10 * communicator.rank + $0), count: $1) }
            var received = [Float](repeating: -1, count: counts.reduce(0, +))
            try values.withUnsafeBufferPointer { values in
                try received.withUnsafeMutableBufferPointer {
                    try communicator.allToAll(values, counts: counts, into: $0, counts: counts, label: "parts")
                }
            }
            let expected = counts.enumerated().flatMap { [Float](repeating: Float(10 * $0 + communicator.rank), count: $1) }
            XCTAssertEqual(received, expected)
        }
    }

    func testAFailedInMemoryRankReleasesTheOthers() {
        struct Failure: Error {}
        XCTAssertThrowsError(
            try InMemoryCommunicator.run(rankCount: 3) { communicator in
                if communicator.rank == 1 { throw Failure() }
                try communicator.barrier(label: "never complete")
            }
        ) { XCTAssertTrue($0 is Failure, "\($0)") }
    }

    func testCollectivesOfASingleProcessAreTheIdentity() throws {
        let communicator = SingleProcess()
        var values: [Float] = [1, 2]
        try communicator.allReduceSum(&values, label: "")
        XCTAssertEqual(values, [1, 2])
        XCTAssertEqual(try communicator.allGatherStrings("a", label: ""), ["a"])
        XCTAssertEqual(try communicator.broadcast(Data([1]), root: 0, label: ""), Data([1]))
        var received: [Float] = [0, 0]
        values.withUnsafeBufferPointer { values in
            received.withUnsafeMutableBufferPointer { communicator.allToAll(values, counts: [2], into: $0, counts: [2], label: "") }
        }
        XCTAssertEqual(received, [1, 2])
    }

    func testMPIIsUsedOnlyIfALauncherStartedTheProcess() {
        XCTAssertFalse(ProcessEnvironment.isRankOfAJob([:]))
        XCTAssertTrue(ProcessEnvironment.isRankOfAJob(["OMPI_COMM_WORLD_SIZE": "2"]))
        XCTAssertFalse(ProcessEnvironment.isRankOfAJob(["SLURM_JOB_ID": "7"]))
    }

    func testEachFamilyOfMPIKnowsItsOwnLauncher() {
        for (environment, openMPI, mpich) in [
            (["OMPI_COMM_WORLD_SIZE": "2"], true, false), (["PMI_RANK": "1", "PMI_SIZE": "2"], false, true),
            (["PMIX_RANK": "0"], true, true), (["OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "0"], true, false),
        ] {
            XCTAssertEqual(ProcessEnvironment.isRankOfAJob(environment, usesMPICH: false), openMPI, "\(environment)")
            XCTAssertEqual(ProcessEnvironment.isRankOfAJob(environment, usesMPICH: true), mpich, "\(environment)")
        }
    }
}

final class CoreMapTests: XCTestCase {
    private func map(_ places: [(String, [Int])], threads: Int? = nil) -> CoreMap {
        CoreMap(places: places.map { .init(host: $0.0, cores: $0.1) }, requestedThreads: threads)
    }

    func testASingleRankUsesAllItsCores() {
        XCTAssertEqual(map([("a", [0, 1, 2, 3])]).threadCount(rank: 0), 4)
    }

    func testRanksThatShareCoresDivideThem() {
        let map = map([("a", [0, 1, 2, 3]), ("a", [0, 1, 2, 3]), ("b", [0, 1])])
        XCTAssertEqual((0..<3).map(map.threadCount), [2, 2, 2])
        XCTAssertNil(map.oversubscriptionWarning)
        XCTAssertEqual(map.lines, ["a: 2 ranks (0–1), 4 cores, 2 threads a rank", "b: rank 2, 2 cores, 2 threads a rank"])
    }

    func testAHostWithMoreRanksThanCoresCausesAWarning() throws {
        let map = map([("a", [0]), ("a", [0]), ("b", [0])])
        XCTAssertEqual((0..<3).map(map.threadCount), [1, 1, 1])
        XCTAssertTrue(try XCTUnwrap(map.oversubscriptionWarning).hasPrefix("a is oversubscribed: 2 ranks"))
    }

    func testDRNETThreadsOverridesTheCoresAndIsValidated() throws {
        XCTAssertEqual(map([("a", [0, 1])], threads: 7).threadCount(rank: 0), 7)
        XCTAssertEqual(try CoreMap.threadRequest(["DRNET_THREADS": "3"]), 3)
        XCTAssertNil(try CoreMap.threadRequest([:]))
        XCTAssertThrowsError(try CoreMap.threadRequest(["DRNET_THREADS": "many"])) { XCTAssertTrue("\($0)".contains("'many'")) }
    }

    func testLinuxCoreListsAreParsed() {
        XCTAssertEqual(AllowedCores.parse("\t0-2,5"), [0, 1, 2, 5])
        XCTAssertEqual(AllowedCores.parse("7"), [7])
        XCTAssertEqual(AllowedCores.parse("nonsense"), [])
        XCTAssertFalse(AllowedCores.current().isEmpty)
    }
}
