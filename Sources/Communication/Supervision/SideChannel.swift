import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Heartbeats between the ranks, beside MPI: datagrams of UDP.
///
/// Messages of MPI need the thread that computes, and wait for ranks that are stuck. A datagram waits for nobody: what does not arrive is
/// missing, which is the information. No rank depends on another one, as it would on the hub of a star. There is no connection to make or
/// to lose, and the ranks need no common file system.
///
/// Only the watchdog's thread uses it after `connect`.
final class SideChannel {
    /// How the other ranks reach this one. The ranks exchange it through MPI.
    struct Endpoint: Codable, Equatable {
        var addresses: [String]
        var port: UInt16
        var process: Int32
        /// Ranks with the same identity are on one host.
        var host: String
        var hostName: String
        /// A number of this job. Rank 0 decides.
        var job: UInt64
    }

    let endpoint: Endpoint
    /// The job's number.
    private(set) var job: UInt64 = 0
    /// The processes of the other ranks on this host.
    private(set) var mates: [(rank: Int, process: Int32)] = []
    private let socket: DatagramSocket
    /// The addresses of each rank. As soon as a message arrives from a rank, its source is the only one.
    private var addresses: [[DatagramAddress]] = []
    private var isKnown: [Bool] = []
    private var rank = 0

    /// Opens a port. Nil if the system has none: the job then runs without heartbeats.
    init?(hostName: String) {
        guard let socket = DatagramSocket() else { return nil }
        self.socket = socket
        endpoint = Endpoint(
            addresses: DatagramAddress.ownInterfaces(), port: socket.port, process: getpid(), host: ProcessState.hostIdentity,
            hostName: hostName, job: UInt64.random(in: 1...UInt64.max))
    }

    /// Stores the endpoints of all ranks. A rank without one receives no heartbeats.
    func connect(rank: Int, _ endpoints: [Endpoint?]) {
        self.rank = rank
        job = endpoints[0]?.job ?? 0
        addresses = endpoints.map { other in
            guard let other else { return [] }
            let texts = other.host == endpoint.host ? ["127.0.0.1"] + other.addresses : other.addresses
            return texts.compactMap { DatagramAddress($0, port: other.port) }
        }
        isKnown = endpoints.map { _ in false }
        mates = endpoints.enumerated().compactMap { index, other in
            guard let other, index != rank, other.host == endpoint.host else { return nil }
            return (index, other.process)
        }
    }

    /// Whether a rank is on this host.
    func isMate(_ rank: Int) -> Bool { mates.contains { $0.rank == rank } }

    /// Waits until a message arrives, at most for a time.
    func wait(seconds: Double) { socket.wait(seconds: seconds) }

    /// Sends a message. It can be lost.
    func send(_ message: Heartbeat, to ranks: [Int]) {
        guard let data = try? JSONEncoder().encode(message) else { return }
        for other in ranks where other != rank && addresses.indices.contains(other) {
            for address in addresses[other] { socket.send(data, to: address) }
        }
    }

    /// The messages that have arrived. Those of other jobs, and what is not a message, are left out.
    func receive() -> [Heartbeat] {
        var messages: [Heartbeat] = []
        while let (data, source) = socket.receive() {
            guard let message = try? JSONDecoder().decode(Heartbeat.self, from: data), message.job == job,
                addresses.indices.contains(message.rank), message.rank != rank
            else { continue }
            addresses[message.rank] = [source]
            isKnown[message.rank] = true
            messages.append(message)
        }
        return messages
    }

    /// What the network has said about messages that could not be delivered. Only the address that a rank has sent from counts: other
    /// addresses of its host can belong to something else here.
    func failures() -> [(rank: Int, condition: RankCondition)] {
        socket.failures().compactMap { address, code in
            guard let rank = addresses.indices.first(where: { isKnown[$0] && addresses[$0] == [address] }) else { return nil }
            return (rank, code == ECONNREFUSED ? .dead : .unreachable)
        }
    }

    /// Closes the port.
    func close() { socket.close() }
}
