import Foundation
import XCTest

/// Several hosts on this machine, which are network namespaces. Tests/Hosts/hosts makes them and starts programs on them.
public struct SimulatedHosts {
    /// The path of the program.
    public static let program = repositoryRoot + "/Tests/Hosts/hosts"
    /// Distinguishes these hosts from those of other processes.
    public let prefix = "drnet\(getpid())"
    public let count: Int

    public init(count: Int) { self.count = count }

    /// Runs a command of the program.
    @discardableResult
    public func call(_ arguments: [String]) throws -> ProcessRunner.Result {
        try ProcessRunner.run("/bin/bash", [Self.program] + arguments, environment: ["HOSTS_PREFIX": prefix], timeout: 60)
    }

    /// The hosts in the syntax of mpirun's option --host and of HOSTS.
    ///
    /// - Parameter ranks: of each host; nil for one rank on each.
    public func list(ranks: [Int]? = nil) -> String {
        (ranks ?? [Int](repeating: 1, count: count)).enumerated().map { "10.77.0.\($0 + 1):\($1)" }.joined(separator: ",")
    }
}

extension XCTestCase {
    /// Makes hosts, which exist during `body`.
    ///
    /// - Throws: `XCTSkip` where namespaces are not allowed.
    public func withSimulatedHosts(_ count: Int, _ body: (SimulatedHosts) throws -> Void) throws {
        let hosts = SimulatedHosts(count: count)
        let check = try hosts.call(["check"])
        guard check.status == 0 else {
            throw XCTSkip(
                "SKIPPED: tests of several hosts do not run here: \(check.output.trimmingCharacters(in: .whitespacesAndNewlines))")
        }
        defer { _ = try? hosts.call(["down"]) }
        let made = try hosts.call(["up", "\(count)"])
        XCTAssertEqual(made.status, 0, made.text)
        try body(hosts)
    }
}
