import Foundation
import XCTest

/// Several hosts on this machine: network namespaces that a bridge joins, each with an address and a host name of its own. Ranks on them
/// communicate over TCP. This needs root and the programs `ip` and `tc`.
public final class NetworkHosts {
    /// The names of the hosts.
    public let names: [String]
    private let prefix: String
    private let subnet: String
    private let agent: String

    /// - Parameters:
    ///   - count: of hosts.
    ///   - rate: of each host's link in both directions, in the units of `tc`, such as "1gbit"; nil for no limit.
    ///   - folder: receives the program that starts processes on the hosts.
    /// - Throws: `XCTSkip` where namespaces are not allowed.
    public init(_ count: Int, rate: String? = nil, in folder: String) throws {
        // Interface names have 15 characters at most. Tests of several processes have different subnets.
        let number = Int(getpid()) % 10_000
        prefix = "dn\(number)"
        subnet = "10.\(100 + number / 200).\(number % 200)"
        let prefix = prefix
        names = (0..<count).map { "\(prefix)h\($0)" }
        agent = folder + "/agent"
        try """
        #!/bin/bash
        host=$1
        shift
        exec ip netns exec "$host" unshare --uts bash -c 'hostname "$0"; exec bash -c "$1"' "$host" "$*"
        """.write(toFile: agent, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: agent)
        do { try start(rate) } catch {
            remove()
            throw XCTSkip("NO NETWORK NAMESPACES: tests over several hosts are skipped (\(error))")
        }
    }

    deinit { remove() }

    /// Runs ranks on the hosts.
    ///
    /// - Parameter ranks: the number of ranks on each host.
    public func mpirun(
        ranks: [Int], _ executable: String, _ arguments: [String], environment: [String: String] = [:], timeout: TimeInterval = 120
    ) throws -> ProcessRunner.Result {
        var options = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "plm_rsh_agent", agent]
        for layer in ["oob", "btl"] { options += ["--mca", "\(layer)_tcp_if_include", "\(subnet).0/24"] }
        options += ["--host", zip(names, ranks).map { "\($0):\($1)" }.joined(separator: ","), "-n", "\(ranks.reduce(0, +))"]
        var variables = ["OPENBLAS_NUM_THREADS": "1", "DRNET_THREADS": "1"]
        variables.merge(environment) { $1 }
        for name in variables.keys.sorted() { options += ["-x", name] }
        return try ProcessRunner.run(
            "/usr/bin/env", ["mpirun"] + options + [executable] + arguments, environment: variables, timeout: timeout)
    }

    private func start(_ rate: String?) throws {
        try shell("ip link add \(prefix)br type bridge && ip addr add \(subnet).254/24 dev \(prefix)br && ip link set \(prefix)br up")
        for (index, name) in names.enumerated() {
            let link = "\(prefix)v\(index)"
            try shell(
                """
                ip netns add \(name) && ip link add \(link) type veth peer name eth0 netns \(name) &&
                ip link set \(link) master \(prefix)br up && ip -n \(name) addr add \(subnet).\(index + 1)/24 dev eth0 &&
                ip -n \(name) link set eth0 up && ip -n \(name) link set lo up
                """)
            guard let rate else { continue }
            let limit = "root tbf rate \(rate) burst 256kb latency 50ms"
            try shell("tc qdisc add dev \(link) \(limit) && ip netns exec \(name) tc qdisc add dev eth0 \(limit)")
        }
    }

    private func remove() {
        for name in names { _ = try? shell("ip netns del \(name)") }
        _ = try? shell("ip link del \(prefix)br")
    }

    private struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private func shell(_ command: String) throws {
        let result = try ProcessRunner.run("/bin/bash", ["-c", command], timeout: 20)
        guard result.status == 0 else { throw Failure(description: result.text.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
