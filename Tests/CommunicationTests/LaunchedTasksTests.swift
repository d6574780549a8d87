import XCTest

@testable import Communication

/// Tests what environments say of tasks that launchers started.
final class LaunchedTasksTests: XCTestCase {
    private func count(_ environment: [String: String]) -> Int?? { LaunchedTasks.find(environment).map(\.count) }

    func testSeveralTasksOfEachLauncherAreFound() {
        let step = ["SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1"]
        let environments: [(String, [String: String], Int?)] = [
            ("srun", step.merging(["SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2"]) { $1 }, 2),
            ("a step without SLURM_STEP_NUM_TASKS", step.merging(["SLURM_NTASKS": "4"]) { $1 }, 4),
            ("a rank of Slurm alone", ["SLURM_PROCID": "3"], nil),
            ("MPICH", ["PMI_SIZE": "2", "PMI_RANK": "0"], 2), ("Intel MPI", ["MPI_LOCALNRANKS": "8", "MPI_LOCALRANKID": "0"], 8),
            ("a PMI rank alone", ["PMI_RANK": "1"], nil), ("MVAPICH2", ["MV2_COMM_WORLD_SIZE": "2", "MV2_COMM_WORLD_RANK": "0"], 2),
            ("Cray", ["PALS_RANKID": "1"], nil), ("jsrun", ["JSM_NAMESPACE_SIZE": "6", "JSM_NAMESPACE_RANK": "0"], 6),
            ("torchrun", ["TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": "0"], 2),
        ]
        for (name, environment, expected) in environments {
            XCTAssertEqual(count(environment), .some(expected), name)
        }
    }

    func testSingleTasksAndBatchScriptsAreNotRefused() {
        let environments: [(String, [String: String])] = [
            ("no launcher", [:]),
            ("srun -n 1", ["SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"]),
            ("a batch script", ["SLURM_JOB_ID": "1", "SLURM_NTASKS": "16", "SLURM_PROCID": "0"]),
            ("a batch step", ["SLURM_STEP_ID": "4294967291", "SLURM_NTASKS": "16", "SLURM_PROCID": "0"]),
            ("salloc", ["SLURM_JOB_ID": "1", "SLURM_NTASKS": "16"]),
            ("an interactive step", ["SLURM_STEP_ID": "4294967290", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"]),
            ("mpiexec -n 1", ["PMI_SIZE": "1", "PMI_RANK": "0", "MPI_LOCALNRANKS": "1"]), ("Cray, one task", ["PALS_RANKID": "0"]),
            ("a name that others use", ["WORLD_SIZE": "2", "RANK": "0"]), ("not a number", ["PMI_SIZE": "many"]),
        ]
        for (name, environment) in environments { XCTAssertNil(LaunchedTasks.find(environment), name) }
    }

    func testOneTaskReportsTheRefusal() throws {
        let first = try XCTUnwrap(LaunchedTasks.find(["PMI_SIZE": "2", "PMI_RANK": "0"]))
        XCTAssertTrue("\(first.refusal)".contains("started 2 tasks"), "\(first.refusal)")
        XCTAssertTrue(try XCTUnwrap(LaunchedTasks.find(["PMI_SIZE": "2", "PMI_RANK": "1"])).refusal is ReportedFailure)
        // Nobody else reports it if the numbers are not known.
        XCTAssertTrue(try XCTUnwrap(LaunchedTasks.find(["SLURM_PROCID": "1"])).refusal is CommunicationError)
        XCTAssertTrue(try XCTUnwrap(LaunchedTasks.find(["PMI_SIZE": "2"])).refusal is CommunicationError)
    }

    func testTheSizeThatMpirunPassesOnIsCompared() {
        XCTAssertEqual(LaunchedTasks.ofMPILauncher(["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "1"])?.count, 4)
        // mpirun itself starts its daemons with srun.
        XCTAssertNil(LaunchedTasks.ofMPILauncher(["OMPI_COMM_WORLD_SIZE": "1", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"]))
        XCTAssertEqual(
            LaunchedTasks.ofMPILauncher(["PMIX_RANK": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"])?.launcher, "Slurm")
        XCTAssertNil(LaunchedTasks.ofMPILauncher(["PMIX_RANK": "0"]))
    }

    func testTheEscapeTakesOnlyOne() throws {
        XCTAssertTrue(try ProcessEnvironment.isSingleProcess(["DRNET_SINGLE_PROCESS": "1"]))
        for value in [nil, "", "0"] {
            XCTAssertFalse(try ProcessEnvironment.isSingleProcess(value.map { ["DRNET_SINGLE_PROCESS": $0] } ?? [:]))
        }
        XCTAssertThrowsError(try ProcessEnvironment.isSingleProcess(["DRNET_SINGLE_PROCESS": "yes"])) {
            XCTAssertTrue("\($0)".contains("DRNET_SINGLE_PROCESS is 'yes'"), "\($0)")
        }
    }
}
