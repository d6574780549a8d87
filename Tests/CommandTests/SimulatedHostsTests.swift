import Foundation
import TestSupport
import XCTest

/// Trainings on several hosts, which are network namespaces, with links that are cut.
final class SimulatedHostsTests: XCTestCase {
    private static let timeout = 5
    /// The limit before the ranks are connected. mpirun itself needs some seconds on a loaded machine.
    private static let startTimeout = 20
    /// What a job can take after its limit: MPI_Abort, and the seconds that mpirun gets.
    private static let extra = 10.0
    /// For a loaded machine. The time is printed.
    private static let slack = 15.0

    /// Trains with launch/train on host 0 and the others, with a short limit.
    private func train(
        _ run: SmallRun, _ name: String, _ hosts: SimulatedHosts, _ options: [String] = [], whileRunning: @escaping () -> Void = {}
    ) throws -> ProcessRunner.Result {
        try ProcessRunner.run(
            "/bin/bash",
            [SimulatedHosts.program, "run", "0", repositoryRoot + "/launch/train", run.configuration, "-o", run.path(name)] + options
                + ["--set", "communication.timeoutSeconds=\(Self.timeout)"] + fewCollectives,
            environment: [
                "HOSTS_PREFIX": hosts.prefix, "HOSTS": hosts.list(), "RANKS": "", "DRNET": try builtExecutable(named: "drnet"),
                "MPI_OPTIONS": "-x DRNET_THREADS", "DRNET_START_TIMEOUT": "\(Self.startTimeout)", "DRNET_THREADS": "1",
            ], timeout: 120, whileRunning: { _ in whileRunning() })
    }

    private let long = ["--set", "stages.fineTune.epochs=200"]
    /// Collectives are slow if other programs use the cores.
    private let fewCollectives = ["--set", "batchNorm.mode=local"]

    /// Cuts the last host off as soon as a condition holds, and checks that the job ends in time.
    private func checkCut(
        _ moment: String, _ run: SmallRun, _ hosts: SimulatedHosts, limit: Int = timeout, when isDue: @escaping () -> Bool
    ) throws -> ProcessRunner.Result {
        var cutAt: Date?
        let result = try train(run, moment, hosts, long) {
            guard cutAt == nil, isDue() else { return }
            _ = try? hosts.call(["cut", "\(hosts.count - 1)"])
            cutAt = Date()
        }
        try hosts.call(["join", "\(hosts.count - 1)"])
        XCTAssertFalse(result.timedOut, "\(moment): \(result.text)")
        XCTAssertNotEqual(result.status, 0, "\(moment): \(result.text)")
        let seconds = -(try XCTUnwrap(cutAt, "the job ended before the link was cut \(moment): \(result.text)").timeIntervalSinceNow)
        print("link cut \(moment): the job ended \(Int(seconds)) s later, with status \(result.status)")
        XCTAssertLessThan(seconds, Double(limit) + Self.extra + Self.slack, "\(moment): \(result.text)")
        return result
    }

    func testHostsTrainTogetherAndACutLinkEndsTheJobInTime() throws {
        try withSmallRun { run in
            try withSimulatedHosts(2) { hosts in
                let whole = try train(run, "whole", hosts)
                XCTAssertEqual(whole.status, 0, whole.text)
                XCTAssertTrue(whole.output.contains("node1: rank 1"), whole.text)
                try run.complete("local", ranks: 2, fewCollectives)
                XCTAssertTrue(try run.weights("whole") == run.weights("local"), "the network does not change the sums")

                let steps = try checkCut("in a step", run, hosts) { run.lastStep("in a step") >= 8 }
                XCTAssertEqual(steps.status, 69, steps.text)
                let errors = steps.text.split(separator: "\n").filter { $0.contains("drnet: error: ") }
                XCTAssertEqual(errors.count, 1, steps.text)
                XCTAssertTrue(errors.first?.contains("rank 1 on node1 has made no progress for ") ?? false, steps.text)
                XCTAssertTrue(errors.first?.contains("its host or the link to it is down") ?? false, steps.text)
                // The run continues on the host that is left.
                let resumed = try train(run, "in a step", SimulatedHosts(count: 1), ["--resume"])
                XCTAssertEqual(resumed.status, 0, resumed.text)
            }
        }
    }

    func testACutLinkEndsAJobThatStartsOrSaves() throws {
        try withSmallRun { run in
            try withSimulatedHosts(3) { hosts in
                _ = try checkCut("before the start", run, hosts, limit: Self.startTimeout) { true }
                let folder = run.path("in the start")
                _ = try checkCut("in the start", run, hosts, limit: Self.startTimeout) { FileManager.default.fileExists(atPath: folder) }
                let checkpoints = run.path("in a save") + "/checkpoints"
                _ = try checkCut("in a save", run, hosts) {
                    ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? []).contains { $0.hasPrefix(".tmp-") }
                        || run.lastStep("in a save") > 12
                }
                let resumed = try train(run, "in a save", SimulatedHosts(count: 2), ["--resume"])
                XCTAssertEqual(resumed.status, 0, resumed.text)
            }
        }
    }

    /// A process that searched for a host in vain, as a daemon of an ended job does, does not keep others from reaching it.
    func testAHostThatJoinedAgainIsReachedAtOnce() throws {
        let connect = "echo > /dev/tcp/10.77.0.2/9"
        try withSimulatedHosts(2) { hosts in
            try hosts.call(["cut", "1"])
            try hosts.call(["run", "0", "bash", "-c", "(\(connect)) >/dev/null 2>&1 &"])
            // The kernel gives up after three seconds.
            Thread.sleep(forTimeInterval: 2.6)
            try hosts.call(["join", "1"])
            let result = try hosts.call(["run", "0", "bash", "-c", connect])
            // No program listens there. Who hears so has reached the host.
            XCTAssertTrue(result.errors.contains("Connection refused"), result.text)
        }
    }

    func testARunIsRestartedOnTheHostsThatAreLeft() throws {
        try withSmallRun { run in
            try withSimulatedHosts(3) { hosts in
                var isCut = false
                let result = try ProcessRunner.run(
                    "/bin/bash",
                    [
                        SimulatedHosts.program, "run", "0", repositoryRoot + "/launch/train", "--restarts", "2", "--drop-lost-hosts",
                        run.configuration,
                        "-o", run.path("run"), "--set", "communication.timeoutSeconds=\(Self.timeout)",
                    ] + fewCollectives,
                    environment: [
                        "HOSTS_PREFIX": hosts.prefix, "HOSTS": hosts.list(), "RANKS": "", "DRNET": try builtExecutable(named: "drnet"),
                        "MPI_OPTIONS": "-x DRNET_THREADS", "DRNET_START_TIMEOUT": "\(Self.startTimeout)",
                        "DRNET_THREADS": "1", "HOSTS_CUT_FILE": run.path("cut"),
                    ], timeout: 180
                ) { _ in
                    guard !isCut, run.lastStep("run") >= 6 else { return }
                    isCut = true
                    // A namespace can be entered although its link is cut. The file makes the host refuse, as a lost one does.
                    try? "10.77.0.3".write(toFile: run.path("cut"), atomically: true, encoding: .utf8)
                    _ = try? hosts.call(["cut", "2"])
                }
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertTrue(result.errors.contains("restart 1 of 2"), result.text)
                XCTAssertTrue(result.errors.contains("10.77.0.3 does not answer: the run continues without it"), result.text)
                XCTAssertTrue(result.output.contains("run folder: "), result.text)
            }
        }
    }
}
