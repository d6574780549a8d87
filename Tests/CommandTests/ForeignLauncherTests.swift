import Foundation
import TestSupport
import XCTest

/// Tests jobs of several tasks that are not one MPI job.
final class ForeignLauncherTests: XCTestCase {
    private let tasks: [[String: String]] = (0..<2).map { rank in
        ["SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "\(rank)"]
    }

    func testTasksWithoutMPIAreRefusedOnceBeforeAnythingIsWritten() throws {
        try withSmallRun { run in
            let mpich = (0..<2).map { ["PMI_SIZE": "2", "PMI_RANK": "\($0)"] }
            for environments in [tasks, mpich] {
                let results = try environments.map { try run.train("run", environment: $0) }
                XCTAssertEqual(results.map(\.status), [1, 1])
                XCTAssertTrue(
                    results[0].errors.hasPrefix("drnet: error: ") && results[0].errors.contains("started 2 tasks"), results[0].text)
                XCTAssertEqual(results[0].errors.split(separator: "\n").count, 1, results[0].text)
                XCTAssertEqual(results[1].text, "")
                XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run")))
            }
            let evaluation = try run.drnet(["evaluate", run.path("run")], environment: tasks[0])
            XCTAssertTrue(evaluation.errors.contains("Slurm started 2 tasks"), evaluation.text)
        }
    }

    func testTheEscapeAndSingleTasksTrain() throws {
        try withSmallRun { run in
            let short = ["--set", "stages.warmUp.epochs=1", "--set", "stages.fineTune=null", "--set", "stages.recalibrate=null"]
            try run.complete(
                "escaped", short + ["--set", "predictor.warmStart=false"],
                environment: tasks[1].merging(["DRNET_SINGLE_PROCESS": "1"]) { $1 })
            let batch = ["SLURM_JOB_ID": "1", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"]
            try run.complete("batch", short + ["--set", "predictor.warmStart=false"], environment: batch)
        }
    }

    func testMpirunOfAnotherInstallationIsRefused() throws {
        // MPI starts as a job of its own, because no daemon of mpirun answers, but the environment says that mpirun started two ranks.
        try withSmallRun { run in
            let results = try (0..<2).map { rank in
                try run.train("run", environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "\(rank)"])
            }
            XCTAssertEqual(results.map(\.status), [1, 1])
            XCTAssertTrue(results[0].errors.contains("drnet: error: mpirun started 2 tasks"), results[0].text)
            XCTAssertFalse(results[1].errors.contains("drnet: error"), results[1].text)
            XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run")))
        }
    }
}
