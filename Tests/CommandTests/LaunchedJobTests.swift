import Foundation
import TestSupport
import XCTest

/// Tests how launch/train restarts a job, and how it ends what a lost host leaves of it. `mpirun` is replaced by a script.
final class LaunchedJobTests: XCTestCase {
    /// A folder with a replaced `mpirun` that writes its arguments into `call-1`, `call-2`, …, and then runs the body in the file `job`.
    private struct Scene {
        let folder: String

        init(in folder: String) throws {
            self.folder = folder
            try write(
                "mpirun",
                """
                n=1; while [ -e \(folder)/call-$n ]; do n=$((n + 1)); done
                printf '%s\\n' "$@" > \(folder)/call-$n
                . \(folder)/job
                """)
            try write("drnet", "exit 0")
            try write("agent", "[ \"$1\" != lost ]")
        }

        func write(_ name: String, _ body: String) throws {
            try "#!/bin/bash\n\(body)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            chmod("\(folder)/\(name)", 0o755)
        }

        /// Runs launch/train in the folder.
        func launch(
            _ arguments: [String], job: String, _ environment: [String: String] = [:], whileRunning: (Process) -> Void = { _ in }
        ) throws -> ProcessRunner.Result {
            try job.write(toFile: "\(folder)/job", atomically: true, encoding: .utf8)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let own = [
                "PATH": "\(folder):\(path)", "DRNET": "\(folder)/drnet", "RANKS": "1", "HOSTS": "", "MPI_OPTIONS": "",
                "OMPI_MCA_plm_rsh_agent": "\(folder)/agent",
            ]
            return try ProcessRunner.run(
                "/bin/bash", [repositoryRoot + "/launch/train"] + arguments, environment: own.merging(environment) { $1 }, folder: folder,
                timeout: 60, whileRunning: whileRunning)
        }

        /// The arguments of the calls of mpirun.
        func calls() -> [[String]] {
            var calls: [[String]] = []
            while let text = try? String(contentsOfFile: "\(folder)/call-\(calls.count + 1)", encoding: .utf8) {
                calls.append(text.split(separator: "\n").map(String.init))
            }
            return calls
        }
    }

    private func withScene(_ body: (Scene) throws -> Void) throws {
        try withTemporaryFolder { try body(Scene(in: $0)) }
    }

    /// A job that passes its checks, writes a checkpoint, and fails in its first two starts.
    private let failsTwice = """
        mkdir -p runs/c/checkpoints/step-00000000$n; echo $n > runs/c/environment.json
        [ $n -gt 2 ] || exit 1
        """

    // MARK: - Restarts

    func testAFailedJobContinuesFromItsNewestCheckpointAtMostSoOften() throws {
        try withScene { scene in
            let result = try scene.launch(["--restarts", "2", "c.yaml", "--restart", "--set", "seed=1"], job: failsTwice)
            XCTAssertEqual(result.status, 0, result.text)
            let calls = scene.calls().map { Array($0.drop { $0 != "train" }) }
            XCTAssertEqual(calls.first, ["train", "c.yaml", "--restart", "--set", "seed=1"])
            XCTAssertEqual(
                calls.dropFirst(),
                [["train", "c.yaml", "--set", "seed=1", "--resume"], ["train", "c.yaml", "--set", "seed=1", "--resume"]])
            XCTAssertEqual(
                result.errors,
                """
                launch/train: the run ended with status 1 after step-000000001: restart 1 of 2
                launch/train: the run ended with status 1 after step-000000002: restart 2 of 2

                """)
        }
        try withScene { scene in
            let result = try scene.launch(["--restarts", "1", "c.yaml", "-o", "runs/c"], job: failsTwice)
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(scene.calls().count, 2)
            XCTAssertTrue(result.errors.contains("was restarted 1 times: it is not restarted again"), result.errors)
        }
    }

    func testARestartWithoutProgressCounts() throws {
        try withScene { scene in
            let result = try scene.launch(["--restarts", "3", "c.yaml"], job: "mkdir -p runs/c; echo $n > runs/c/environment.json; exit 1")
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(scene.calls().count, 4)
            XCTAssertTrue(result.errors.contains("without a new checkpoint: restart 3 of 3"), result.errors)
        }
    }

    func testWrongInputTheEndAndSignalsAreNoReasonsForARestart() throws {
        for status in [0, 64, 75] {
            try withScene { scene in
                let result = try scene.launch(
                    ["--restarts", "3", "c.yaml"], job: "mkdir -p runs/c; echo > runs/c/environment.json; exit \(status)")
                XCTAssertEqual(Int(result.status), status, result.text)
                XCTAssertEqual(scene.calls().count, 1, "status \(status)")
                XCTAssertEqual(result.errors, "")
            }
        }
        // drnet refuses wrong input before it records the start.
        try withScene { scene in
            let result = try scene.launch(["--restarts", "3", "c.yaml"], job: "exit 1")
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertEqual(scene.calls().count, 1)
            XCTAssertTrue(result.errors.contains("ended before its first step, with status 1: it is not restarted"), result.errors)
        }
        try withScene { scene in
            var isSent = false
            let result = try scene.launch(
                ["--restarts", "3", "c.yaml"],
                job: "trap 'exit 1' USR1; mkdir -p runs/c; echo > runs/c/environment.json; while true; do sleep 0.1; done"
            ) { process in
                guard !isSent, FileManager.default.fileExists(atPath: "\(scene.folder)/runs/c/environment.json") else { return }
                isSent = true
                kill(process.processIdentifier, SIGTERM)
            }
            XCTAssertFalse(result.timedOut)
            XCTAssertEqual(scene.calls().count, 1, result.text)
        }
    }

    func testAJobWithoutAnswerIsRestartedBeforeItsFirstStepToo() throws {
        try withScene { scene in
            let result = try scene.launch(["--restarts", "1", "c.yaml"], job: "[ $n = 2 ] || exit 69")
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertEqual(scene.calls().count, 2)
        }
    }

    func testTheRunContinuesWithTheHostsThatAnswer() throws {
        try withScene { scene in
            let result = try scene.launch(
                ["--restarts", "1", "--drop-lost-hosts", "c.yaml"], job: "[ $n = 2 ] || exit 69",
                ["HOSTS": "localhost:2,lost:4,other:1", "RANKS": ""])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.errors.contains("launch/train: lost does not answer: the run continues without it"), result.errors)
            let calls = scene.calls()
            for (call, hosts, ranks) in [(calls.first, "localhost:2,lost:4,other:1", "7"), (calls.last, "localhost:2,other:1", "3")] {
                let call = try XCTUnwrap(call)
                XCTAssertEqual(call.firstIndex(of: "--host").map { call[$0 + 1] }, hosts)
                XCTAssertEqual(call.firstIndex(of: "-n").map { call[$0 + 1] }, ranks)
            }
        }
    }

    func testOptionsOfRestartsAreChecked() throws {
        try withScene { scene in
            for (arguments, reason) in [
                (["--restarts", "c.yaml"], "--restarts takes"), (["--restarts", "-1", "c.yaml"], "--restarts takes"),
                (["--drop-lost-hosts", "--restarts", "1", "c.yaml"], "needs HOSTS"),
            ] {
                let result = try scene.launch(arguments, job: "exit 0")
                XCTAssertEqual(result.status, 64, result.text)
                XCTAssertTrue(result.errors.contains(reason), result.errors)
            }
            XCTAssertEqual(scene.calls().count, 0)
        }
    }

    // MARK: - What a lost host leaves

    func testMpirunIsEndedSomeSecondsAfterTheRanksOfThisHost() throws {
        try withScene { scene in
            // A rank that ends after a second, a connection to another host, and an mpirun that waits for that host.
            let job = """
                OMPI_COMM_WORLD_RANK=0 sleep 1 & sleep 1000 & echo $! > \(scene.folder)/connection
                echo $BASHPID > \(scene.folder)/mpirun-process; trap '' TERM; while true; do sleep 1000; done
                """
            let start = Date()
            let result = try scene.launch(["c.yaml"], job: job, ["HOSTS": "localhost,far", "RANKS": ""])
            XCTAssertFalse(result.timedOut)
            XCTAssertEqual(result.status, 69, result.text)
            XCTAssertEqual(
                result.errors,
                "launch/train: all ranks on this host have ended, but mpirun still waits for other hosts: ending mpirun\n")
            XCTAssertGreaterThan(Date().timeIntervalSince(start), 3)
            for file in ["connection", "mpirun-process"] {
                let process = try String(contentsOfFile: "\(scene.folder)/\(file)", encoding: .utf8)
                let number = try XCTUnwrap(pid_t(process.trimmingCharacters(in: .whitespacesAndNewlines)))
                let end = Date().addingTimeInterval(10)
                while runs(number), Date() < end { Thread.sleep(forTimeInterval: 0.1) }
                XCTAssertFalse(runs(number), "\(file) still runs")
            }
        }
    }

    /// Whether a process exists. One that has ended can keep its number for a while.
    private func runs(_ process: pid_t) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
        return !text.contains(") Z ")
    }

    func testAnMpirunThatStartsNoRankIsEnded() throws {
        try withScene { scene in
            let result = try scene.launch(["c.yaml"], job: "sleep 1000", ["DRNET_START_TIMEOUT": "2"])
            XCTAssertEqual(result.status, 69, result.text)
            XCTAssertTrue(result.errors.contains("no rank has started on this host after 2 s (DRNET_START_TIMEOUT)"), result.errors)
        }
    }

    /// mpirun itself and its other children do not count as ranks, and only the ranks of this host can be watched.
    func testAJobWithoutRanksOnThisHostIsLeftAlone() throws {
        try withScene { scene in
            let result = try scene.launch(
                ["c.yaml"], job: "sleep 6; exit 3", ["DRNET_START_TIMEOUT": "2", "HOSTS": "far:1,away:1", "RANKS": ""])
            XCTAssertEqual(result.status, 3, result.text)
        }
    }
}
