import Foundation
import TestSupport
import XCTest

/// Situations in which a run could lose its checkpoints, its records, or itself.
final class RunSafetyTests: XCTestCase {
    private let short = ["stages.fineTune=null", "stages.recalibrate=null"].flatMap { ["--set", $0] }

    private func names(_ folder: String) throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: folder)) }

    func testARunWhoseCheckpointsAreAllUnusableIsRefusedAndKept() throws {
        try withSmallRun { run in
            try run.complete("run", short)
            let checkpoints = run.checkpoints("run")
            for checkpoint in checkpoints { try FileManager.default.removeItem(atPath: checkpoint + "/manifest.json") }
            let records = try Data(contentsOf: URL(fileURLWithPath: run.path("run/metrics.jsonl")))
            for ranks in [nil, 2] as [Int?] {
                let result = try run.train("run", ranks: ranks, short + ["--resume"])
                XCTAssertEqual(result.status, 1, result.text)
                for part in checkpoints + ["Nothing was changed", "--restart", "--run-folder"] {
                    XCTAssertTrue(result.errors.contains(part), "\(part): \(result.errors)")
                }
                XCTAssertEqual(run.checkpoints("run"), checkpoints)
                XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: run.path("run/metrics.jsonl"))), records)
            }
            let restarted = try run.train("run", short + ["--restart"])
            XCTAssertEqual(restarted.status, 0, restarted.text)
            XCTAssertTrue(restarted.output.contains("the earlier run is in \(run.path("run"))/earlier-1"), restarted.text)
            XCTAssertEqual(run.checkpoints("run/earlier-1").count, checkpoints.count)
            XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: run.path("run/earlier-1/metrics.jsonl"))), records)
            XCTAssertEqual(run.checkpoints("run").count, checkpoints.count)
        }
    }

    func testASecondJobIsRefusedAndTheFirstKeepsItsRecords() throws {
        try withSmallRun { run in
            let options = short + ["--set", "stages.warmUp.epochs=8"]
            var second: ProcessRunner.Result?
            let first = try run.train(
                "run", options,
                whileRunning: { _ in
                    guard second == nil, run.lastStep("run") >= 2 else { return }
                    second = try? run.train("run", options + ["--resume"])
                })
            XCTAssertEqual(first.status, 0, first.text)
            let refused = try XCTUnwrap(second)
            XCTAssertEqual(refused.status, 1, refused.text)
            XCTAssertTrue(refused.errors.contains("another job trains in this folder: process "), refused.text)
            XCTAssertEqual(run.losses("run").count, 8 * SmallRun.stepsPerEpoch)
            XCTAssertFalse(try names(run.path("run")).contains("lock.json"), "the lock is given back")
        }
    }

    func testTheLockOfAKilledRunDoesNotStopTheNextOne() throws {
        try withSmallRun { run in
            var isKilled = false
            let killed = try run.train(
                "run", short,
                whileRunning: { process in
                    guard !isKilled, run.lastStep("run") >= 4 else { return }
                    kill(process.processIdentifier, SIGKILL)
                    isKilled = true
                })
            XCTAssertEqual(killed.status, 128 + SIGKILL)
            XCTAssertTrue(try names(run.path("run")).contains("lock.json"))
            let resumed = try run.train("run", short + ["--resume"])
            XCTAssertEqual(resumed.status, 0, resumed.text)
            XCTAssertTrue(resumed.output.contains("left behind by process"), resumed.text)
        }
    }

    /// `sh` redirects the output as a shell does.
    private func train(_ run: SmallRun, _ name: String, _ redirection: String) throws -> ProcessRunner.Result {
        let command = ([try builtExecutable(named: "drnet"), "train", run.configuration, "-o", run.path(name)] + short)
            .map { "'\($0)'" }.joined(separator: " ")
        return try ProcessRunner.run(
            "/bin/sh", ["-c", command + redirection], environment: ["DRNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"], timeout: 60)
    }

    func testTrainingOutlivesItsConsole() throws {
        try withSmallRun { run in
            try run.complete("whole", short)
            let ways = [
                "full": "> /dev/full", "full errors": "> /dev/full 2> /dev/full", "closed": ">&-", "all closed": "<&- >&- 2>&-",
                "closed pipe": " | true",
            ]
            for (name, redirection) in ways {
                let result = try train(run, name, redirection)
                XCTAssertEqual(result.status, 0, "\(name): \(result.text)")
                XCTAssertEqual(result.errors, "", name)
                // The end of a pipe does not say whether its first program has ended.
                let end = Date().addingTimeInterval(30)
                while run.checkpoints(name).count < run.checkpoints("whole").count, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
                let files = try ["whole", name].map { try XCTUnwrap(run.checkpoints($0).last) + "/classifier.safetensors" }
                XCTAssertTrue(FileManager.default.contentsEqual(atPath: files[0], andPath: files[1]), name)
            }
        }
    }

    /// The other end of the terminal goes away, as when an SSH connection breaks. It is not the run's controlling terminal, so no SIGHUP
    /// comes, as if it was ignored.
    func testTrainingOutlivesItsTerminal() throws {
        try withSmallRun { run in
            // Glibc's module does not have posix_openpt. The requests are TIOCSPTLCK and TIOCGPTN.
            let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
            var (isLocked, number) = (Int32(0), Int32(0))
            XCTAssertTrue(master >= 0 && ioctl(master, 0x4004_5431, &isLocked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
            let terminal = try XCTUnwrap(FileHandle(forUpdatingAtPath: "/dev/pts/\(number)"))
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try builtExecutable(named: "drnet"))
            process.arguments = ["train", run.configuration, "-o", run.path("run")] + short + ["--set", "stages.warmUp.epochs=8"]
            process.environment = ProcessInfo.processInfo.environment.merging(["DRNET_THREADS": "1"]) { $1 }
            (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, terminal, terminal)
            try process.run()
            let end = Date().addingTimeInterval(60)
            while run.lastStep("run") < 2, process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.02) }
            XCTAssertTrue(process.isRunning, "the terminal goes away while the run trains")
            try terminal.close()
            close(master)
            while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.05) }
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
            XCTAssertEqual(process.terminationStatus, 0)
            XCTAssertEqual(process.terminationReason, .exit)
            XCTAssertEqual(run.lastStep("run"), 8 * SmallRun.stepsPerEpoch)
        }
    }

    /// With a closed standard output, the next file that is opened gets the number 1.
    func testMessagesAreNotWrittenIntoFilesOfTheRun() throws {
        try withSmallRun { run in
            XCTAssertEqual(try train(run, "closed", ">&- 2>&-").status, 0)
            for name in ["config.yaml", "environment.json", "metrics.jsonl"] {
                let text = try String(contentsOfFile: run.path("closed/\(name)"), encoding: .utf8)
                XCTAssertFalse(text.contains("images/s") || text.contains("validation images of"), name)
            }
        }
    }

    func testAHangUpWritesACheckpoint() throws {
        try withSmallRun { run in
            var isSent = false
            let result = try run.train(
                "run", ["--set", "checkpoints.everySteps=0", "--set", "stages.warmUp.epochs=40"],
                whileRunning: { process in
                    guard !isSent, run.lastStep("run") >= 2 else { return }
                    kill(process.processIdentifier, SIGHUP)
                    isSent = true
                })
            XCTAssertEqual(result.status, 75, result.text)
            XCTAssertNotNil(run.checkpoints("run").last)
        }
    }

    func testAnEpochIsSavedBeforeADamagedImageEndsItsEvaluationAndTheImageCanBeRemoved() throws {
        try withSmallRun { run in
            let image = run.path("data/val/rings/00022.jpg")
            XCTAssertTrue(FileManager.default.fileExists(atPath: image))
            XCTAssertEqual(truncate(image, 900), 0)
            let options = short + ["--set", "checkpoints.everySteps=0", "--set", "evaluation.everyEpochs=2"]
            let failed = try run.train("run", options)
            XCTAssertEqual(failed.status, 1, failed.text)
            XCTAssertTrue(failed.errors.contains(image) && failed.errors.contains("check-data"), failed.errors)
            XCTAssertEqual(run.checkpoints("run").map { String($0.suffix(2)) }, ["05", "10"])
            XCTAssertEqual(run.milestones("run"), ["epoch warmUp 1"])
            try FileManager.default.removeItem(atPath: image)
            let resumed = try run.train("run", options + ["--resume"])
            XCTAssertEqual(resumed.status, 0, resumed.text)
            XCTAssertTrue(resumed.output.contains("the validation images changed"), resumed.text)
            XCTAssertEqual(run.milestones("run"), ["epoch warmUp 1", "evaluation warmUp 2", "epoch warmUp 2", "evaluation final 1"])
            XCTAssertTrue(
                try String(contentsOfFile: run.path("run/checkpoints/best.json"), encoding: .utf8).contains("step-000000010"))
        }
    }

    func testARemovedTrainingImageIsAcceptedOnRequest() throws {
        try withSmallRun { run in
            try run.complete("run", short)
            try run.cut("run", to: "cut", afterStep: 6)
            try FileManager.default.removeItem(atPath: run.path("data/train/rings/00004.jpg"))
            let refused = try run.train("cut", short + ["--resume"])
            XCTAssertEqual(refused.status, 1)
            XCTAssertTrue(refused.errors.contains("is 57, was 58") && refused.errors.contains("--accept-data-changes"), refused.errors)
            let accepted = try run.train("cut", short + ["--resume", "--accept-data-changes"])
            XCTAssertEqual(accepted.status, 0, accepted.text)
            XCTAssertTrue(accepted.output.contains("can repeat or miss images"), accepted.text)
            XCTAssertEqual(try run.train("cut", short + ["--resume"]).status, 0, "the change is accepted once")
        }
    }

    func testAFinishedRunRefusesMoreEpochsOfAnEarlierStageAndKeepsItsConfiguration() throws {
        try withSmallRun { run in
            try run.complete("run")
            let before = try Data(contentsOf: URL(fileURLWithPath: run.path("run/config.yaml")))
            let refused = try run.train("run", ["--resume", "--set", "stages.fineTune.epochs=5", "--set", "optimizer.momentum=0.5"])
            XCTAssertEqual(refused.status, 1, refused.text)
            for part in ["stages.fineTune.epochs is 5, was 3 (this stage is finished)", "optimizer.momentum", "classifier.pretrained="] {
                XCTAssertTrue(refused.errors.contains(part), refused.errors)
            }
            XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: run.path("run/config.yaml"))), before)
        }
    }

    func testTheLastStageOfAFinishedRunCanBeExtended() throws {
        try withSmallRun { run in
            try run.complete("run", short)
            let extended = try run.train("run", short + ["--resume", "--set", "stages.warmUp.epochs=3"])
            XCTAssertEqual(extended.status, 0, extended.text)
            XCTAssertTrue(extended.output.contains("stages.warmUp.epochs is 3 from here on, was 2"), extended.text)
            XCTAssertEqual(run.lastStep("run"), 3 * SmallRun.stepsPerEpoch)
            let text = try String(contentsOfFile: run.path("run/config.yaml"), encoding: .utf8)
            XCTAssertTrue(text.hasPrefix("# until step 10: stages.warmUp.epochs: 2\n"), text)
            XCTAssertEqual(try run.train("run", short + ["--resume", "--set", "stages.warmUp.epochs=3"]).status, 0)
        }
    }

    func testRunFoldersWithNamesOfOneCharacter() throws {
        try withSmallRun { run in
            let result = try ProcessRunner.run(
                try builtExecutable(named: "drnet"), ["train", run.configuration, "-o", "a"] + short, environment: ["DRNET_THREADS": "1"],
                folder: run.folder, timeout: 60)
            XCTAssertEqual(result.status, 0, result.text)
        }
    }
}
