import XCTest

@testable import Communication

/// Heartbeats between sockets of this process.
final class SideChannelTests: XCTestCase {
    private func pair() throws -> (SideChannel, SideChannel) {
        let channels = (try XCTUnwrap(SideChannel(hostName: "a")), try XCTUnwrap(SideChannel(hostName: "b")))
        let endpoints = [channels.0.endpoint, channels.1.endpoint]
        channels.0.connect(rank: 0, endpoints)
        channels.1.connect(rank: 1, endpoints)
        return channels
    }

    private func message(of rank: Int, job: UInt64) -> Heartbeat {
        Heartbeat(job: job, rank: rank, state: RankState(phase: .saving, context: "step \"3\""), mates: [2: .stopped], verdict: [2])
    }

    private func receive(_ channel: SideChannel) -> [Heartbeat] {
        for _ in 0..<100 {
            let messages = channel.receive()
            if !messages.isEmpty { return messages }
            channel.wait(seconds: 0.1)
        }
        return []
    }

    func testAHeartbeatArrivesAsItWasSent() throws {
        let (first, second) = try pair()
        XCTAssertEqual(first.job, second.job)
        XCTAssertEqual(second.mates.map(\.rank), [0], "both are on this host")
        let sent = message(of: 0, job: first.job)
        first.send(sent, to: [0, 1])
        let received = receive(second)
        XCTAssertFalse(received.isEmpty)
        // A message goes to each address of the host.
        for heartbeat in received { XCTAssertEqual(heartbeat, sent) }
        XCTAssertEqual(first.receive(), [], "a rank sends nothing to itself")
    }

    func testMessagesOfOtherJobsAndForeignBytesAreIgnored() throws {
        let (first, second) = try pair()
        let socket = try XCTUnwrap(DatagramSocket())
        let target = try XCTUnwrap(DatagramAddress("127.0.0.1", port: second.endpoint.port))
        socket.send(Data("GET / HTTP/1.1".utf8), to: target)
        socket.send(Data(), to: target)
        first.send(message(of: 0, job: first.job &+ 1), to: [1])
        first.send(message(of: 7, job: first.job), to: [1])
        first.send(message(of: 0, job: first.job), to: [1])
        XCTAssertEqual(Set(receive(second).map(\.rank)), [0])
    }

    func testAClosedPortIsADeadRank() throws {
        let (first, second) = try pair()
        second.send(message(of: 1, job: first.job), to: [0])
        XCTAssertFalse(receive(first).isEmpty, "the address is known from here on")
        second.close()
        var failures: [(rank: Int, condition: RankCondition)] = []
        for _ in 0..<50 where failures.isEmpty {
            first.send(message(of: 0, job: first.job), to: [1])
            first.wait(seconds: 0.1)
            failures = first.failures()
        }
        XCTAssertEqual(failures.first?.rank, 1)
        XCTAssertEqual(failures.first?.condition, .dead)
        XCTAssertEqual(first.receive(), [], "an error takes no time and no message")
    }

    func testProcessesOfThisHostAreKnownToRunOrNot() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sleep")
        process.arguments = ["60"]
        try process.run()
        let number = process.processIdentifier
        XCTAssertEqual(ProcessState.condition(of: number), .alive)
        kill(number, SIGSTOP)
        for _ in 0..<100 where ProcessState.condition(of: number) != .stopped { Thread.sleep(forTimeInterval: 0.05) }
        XCTAssertEqual(ProcessState.condition(of: number), .stopped)
        kill(number, SIGKILL)
        process.waitUntilExit()
        XCTAssertEqual(ProcessState.condition(of: number), .dead)
    }
}
