import Foundation
import TestSupport
import XCTest

/// Tests where the scripts in launch/ find the project and the caller's files, and which settings they refuse. `mpirun`, `srun` and the
/// command are replaced by programs that only record their arguments.
final class LaunchScriptTests: XCTestCase {
    /// A folder with the project's scripts in `a project`, the replaced programs in `tools`, and an empty folder `own folder`.
    private struct Scene {
        let folder: String
        var project: String { folder + "/a project" }
        var own: String { folder + "/own folder" }
        var tools: String { folder + "/tools" }

        init(in folder: String) throws {
            // The scripts print paths without double slashes and symbolic links.
            self.folder = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
            let folder = self.folder
            let manager = FileManager.default
            for name in ["a project/.build/release", "own folder", "tools"] {
                try manager.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            }
            for name in ["launch", "configs"] {
                try manager.copyItem(atPath: "\(repositoryRoot)/\(name)", toPath: "\(project)/\(name)")
            }
            try write(project + "/.build/release/drnet", "exit 0")
            for tool in ["mpirun", "srun"] {
                try write(
                    "\(tools)/\(tool)",
                    """
                    { pwd; printf '%s\\n' "$@"; } > '\(folder)/recorded'
                    [ -z "${TOOL_MAKES:-}" ] || mkdir -p "$TOOL_MAKES"
                    exit ${TOOL_STATUS:-0}
                    """)
            }
        }

        func write(_ path: String, _ body: String) throws {
            try "#!/bin/bash\n\(body)\n".write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o755)
        }

        /// Runs a program in `own folder`.
        func run(_ program: String, _ arguments: [String] = ["c.yaml"], _ environment: [String: String] = [:]) throws
            -> ProcessRunner.Result
        {
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let variables = ["PATH": "\(tools):\(path)", "DRNET": "", "RANKS": "", "HOSTS": "", "MPI_OPTIONS": "", "CDPATH": "/usr"]
            return try ProcessRunner.run(
                program, arguments, environment: variables.merging(environment) { $1 }, folder: own, timeout: 20)
        }

        /// The folder that the replaced program ran in, and its arguments.
        func recorded() throws -> [String] {
            try String(contentsOfFile: folder + "/recorded", encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    private func withScene(_ body: (Scene) throws -> Void) throws {
        try withTemporaryFolder { try body(Scene(in: $0)) }
    }

    private let launched = ["train", "my c.yaml", "-o", "my run"]

    // MARK: - Folders

    func testTrainKeepsTheCallersFolderHoweverItIsCalled() throws {
        try withScene { scene in
            let manager = FileManager.default
            try manager.createSymbolicLink(atPath: scene.own + "/link", withDestinationPath: "../a project/launch/train")
            try manager.createSymbolicLink(atPath: scene.folder + "/second", withDestinationPath: "own folder/link")
            try manager.createSymbolicLink(atPath: scene.folder + "/project link", withDestinationPath: "a project")
            let calls = [
                scene.project + "/launch/train", scene.own + "/link", scene.folder + "/second", scene.folder + "/project link/launch/train",
            ]
            for call in calls {
                let result = try scene.run(call, Array(launched.dropFirst()))
                XCTAssertEqual(result.status, 0, result.text)
                let recorded = try scene.recorded()
                XCTAssertEqual(recorded[0], scene.own, call)
                XCTAssertEqual(recorded.suffix(5), [scene.project + "/.build/release/drnet"] + launched, call)
            }
            let searched = try scene.run(
                "/usr/bin/env", ["train"] + launched.dropFirst(), ["PATH": "\(scene.project)/launch:\(scene.tools):/usr/bin:/bin"])
            XCTAssertEqual(searched.status, 0, searched.text)
            XCTAssertEqual(try scene.recorded().suffix(5), [scene.project + "/.build/release/drnet"] + launched)
        }
    }

    func testDRNETIsAPathOfTheCallerOrACommand() throws {
        try withScene { scene in
            let train = scene.project + "/launch/train"
            try scene.write(scene.own + "/mine", "exit 0")
            try scene.write(scene.tools + "/other-drnet", "exit 0")
            for (value, path) in [
                ("mine", scene.own + "/mine"), ("./mine", scene.own + "/./mine"), ("other-drnet", scene.tools + "/other-drnet"),
            ] {
                let result = try scene.run(train, ["c.yaml"], ["DRNET": value])
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertEqual(try scene.recorded().suffix(3), [path, "train", "c.yaml"])
            }
            for (value, reason) in [("/nowhere", "does not exist"), (scene.own, "not an executable"), ("/etc/passwd", "not an executable")]
            {
                let result = try scene.run(train, ["c.yaml"], ["DRNET": value])
                XCTAssertEqual(result.status, 64, result.text)
                XCTAssertTrue(
                    result.errors.contains("launch/train: DRNET is '\(value)', which is") || result.errors.contains(reason), result.text)
            }
        }
    }

    func testTheStudyReadsAndWritesInTheCallersFolder() throws {
        try withScene { scene in
            try "resolutions: [64, 32]\n".write(toFile: scene.own + "/own.yaml", atomically: true, encoding: .utf8)
            try "first policy.flopsTarget=0.5\n".write(toFile: scene.own + "/own.txt", atomically: true, encoding: .utf8)
            let study = scene.project + "/launch/study"
            let result = try scene.run(study, ["own.yaml", "--variants", "own.txt", "--seeds", "1"], ["TOOL_STATUS": "3"])
            XCTAssertEqual(result.status, 3, result.text)
            let recorded = try scene.recorded()
            XCTAssertEqual(recorded[0], scene.own)
            XCTAssertTrue(recorded.contains("runs/study-own/seed-1/warm-up"), "\(recorded)")
            XCTAssertTrue(FileManager.default.fileExists(atPath: scene.own + "/runs/study-own/seed-1/warm-up/settings.txt"))
            // The name of a configuration of the project.
            let named = try scene.run(study, ["quickstart", "--seeds", "1"], ["TOOL_STATUS": "3"])
            XCTAssertEqual(named.status, 3, named.text)
            XCTAssertTrue(try scene.recorded().contains(scene.project + "/configs/quickstart.yaml"), named.text)
        }
    }

    // MARK: - Settings

    func testImpossibleNumbersOfRanksAreRefused() throws {
        try withScene { scene in
            for value in ["0", "-1", "two", " 2", "2 ", " ", "1.5", "99999999"] {
                let result = try scene.run(scene.project + "/launch/train", ["c.yaml"], ["RANKS": value])
                XCTAssertEqual(result.status, 64, "'\(value)': \(result.text)")
                XCTAssertEqual(
                    result.errors, "launch/train: RANKS is '\(value)'; it takes the number of ranks, a whole number from 1\n")
            }
        }
    }

    func testImpossibleListsOfHostsAreRefused() throws {
        try withScene { scene in
            let cases = [
                ("a:2, b:2", "without spaces"), (" ", "without spaces"), ("a:2,", "an empty entry"), (",a", "an empty entry"),
                ("a,,b", "an empty entry"), ("a:0", "HOSTS has 'a:0'"), ("a:-1", "HOSTS has 'a:-1'"), ("a:", "HOSTS has 'a:'"),
                ("a:x", "HOSTS has 'a:x'"), (":2", "HOSTS has ':2'"), ("-a", "HOSTS has '-a'"), ("a;b", "HOSTS has 'a;b'"),
                ("fe80::1", "IPv6"), ("[::1]:2", "IPv6"),
            ]
            for (value, reason) in cases {
                let result = try scene.run(scene.project + "/launch/train", ["c.yaml"], ["HOSTS": value])
                XCTAssertEqual(result.status, 64, "'\(value)': \(result.text)")
                XCTAssertTrue(result.errors.contains(reason), "'\(value)': \(result.text)")
                XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.text)
            }
            let both = try scene.run(scene.project + "/launch/train", ["c.yaml"], ["HOSTS": "a:2,b", "RANKS": "2"])
            XCTAssertEqual(both.status, 64, both.text)
            XCTAssertTrue(both.errors.contains("RANKS is 2, but HOSTS has 3 ranks"), both.text)
            XCTAssertFalse(FileManager.default.fileExists(atPath: scene.folder + "/recorded"), "mpirun ran")
            XCTAssertEqual(try scene.run(scene.project + "/launch/train", ["c.yaml"], ["HOSTS": "a:2,b", "RANKS": "3"]).status, 0)
        }
    }

    func testAHostfileGivesTheNumberOfRanks() throws {
        try withScene { scene in
            let train = scene.project + "/launch/train"
            let file = scene.own + "/my hosts"
            try "# two hosts\nnode1 slots=16 max_slots=20\n\n node2\tslots=4 # slow\n".write(
                toFile: file, atomically: true, encoding: .utf8)
            let result = try scene.run(train, ["c.yaml"], ["HOSTFILE": "my hosts"])
            XCTAssertEqual(result.status, 0, result.text)
            let recorded = try scene.recorded()
            XCTAssertEqual(Array(recorded[1...3]), ["-n", "20", "--bind-to"])
            XCTAssertTrue(recorded.contains("my hosts"), "\(recorded)")
            for (text, reason) in [("node1\n", "line 1"), ("a slots=2\nb slots=0\n", "line 2"), ("# none\n", "names no host")] {
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                let refused = try scene.run(train, ["c.yaml"], ["HOSTFILE": file])
                XCTAssertEqual(refused.status, 64, refused.text)
                XCTAssertTrue(refused.errors.contains(reason), refused.text)
            }
            for environment in [["HOSTFILE": "none"], ["HOSTFILE": file, "HOSTS": "a:2"]] {
                XCTAssertEqual(try scene.run(train, ["c.yaml"], environment).status, 64, "\(environment)")
            }
        }
    }

    func testTheDoctorAndAnEvaluationRunOnTheSameRanks() throws {
        try withScene { scene in
            let train = scene.project + "/launch/train"
            XCTAssertEqual(try scene.run(train, ["my c.yaml", "-o", "my run"], ["RANKS": "2"]).status, 0)
            let training = try scene.recorded()
            for command in ["doctor", "evaluate"] {
                XCTAssertEqual(try scene.run(train, ["--\(command)", "my c.yaml", "-o", "my run"], ["RANKS": "2"]).status, 0)
                XCTAssertEqual(try scene.recorded(), training.map { $0 == "train" ? command : $0 })
                XCTAssertEqual(try scene.run(train, ["--\(command)"]).status, 64)
                XCTAssertEqual(try scene.run(train, ["--restarts", "2", "--\(command)", "my c.yaml"]).status, 64)
            }
        }
    }

    /// No cluster is available to the tests. What can be compared is compared.
    func testTheFilesForKubernetesFitTheScripts() throws {
        let job = try String(contentsOfFile: repositoryRoot + "/launch/kubernetes.yaml", encoding: .utf8)
        for text in [
            "apiVersion: kubeflow.org/v2beta1", "kind: MPIJob", "/opt/drnet/launch/train", "HOSTFILE", "DRNET_THREADS",
            "/home/mpiuser/.sshd_config",
        ] { XCTAssertTrue(job.contains(text), text) }
        let image = try String(contentsOfFile: repositoryRoot + "/launch/container/Containerfile", encoding: .utf8)
        for text in ["launch/build", "/opt/drnet/launch", "openmpi-bin", "/home/mpiuser/.sshd_config", "launch/container/sshd_config"] {
            XCTAssertTrue(image.contains(text), text)
        }
        XCTAssertTrue(FileManager.default.fileExists(atPath: repositoryRoot + "/launch/container/sshd_config"))
        // Every library that the command links needs its package in the image.
        let package = try String(contentsOfFile: repositoryRoot + "/launch/install", encoding: .utf8)
        for (development, runtime) in [
            ("libopenblas-dev", "libopenblas0"), ("libturbojpeg0-dev", "libturbojpeg0"), ("libjpeg-dev", "libjpeg62-turbo"),
            ("libpng-dev", "libpng16-16"), ("libwebp-dev", "libwebpdemux2"), ("zlib1g-dev", "zlib1g"), ("libopenmpi-dev", "openmpi-bin"),
        ] {
            XCTAssertTrue(package.contains(development), development)
            XCTAssertTrue(image.contains(runtime), runtime)
        }
    }

    func testAMissingConfigurationShowsTheUsage() throws {
        try withScene { scene in
            let result = try scene.run(scene.project + "/launch/train", [])
            XCTAssertEqual(result.status, 64, result.text)
            XCTAssertTrue(result.errors.contains("CONFIG [drnet train's options]"), result.text)
            for script in [
                "train", "chaos", "study", "benchmark", "fingerprint", "check-quickstart", "build", "docs", "lint", "sanitize",
                "quickstart",
            ] {
                let help = try scene.run("\(scene.project)/launch/\(script)", ["--help"])
                XCTAssertEqual(help.status, 0, help.text)
                XCTAssertFalse(help.output.isEmpty, script)
                XCTAssertFalse(help.output.contains("#"), help.output)
                XCTAssertEqual(help.errors, "")
            }
        }
    }

    func testAMissingMPIIsNamedWithItsPackage() throws {
        try withScene { scene in
            for tool in ["awk", "basename", "dirname", "readlink", "env", "bash", "nproc", "id", "tput", "setsid"] {
                let found = try XCTUnwrap(["/bin/", "/usr/bin/"].map { $0 + tool }.first(where: FileManager.default.fileExists), tool)
                try FileManager.default.createSymbolicLink(atPath: "\(scene.own)/\(tool)", withDestinationPath: found)
            }
            let result = try scene.run(scene.project + "/launch/train", ["c.yaml"], ["PATH": scene.own])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.errors.contains("no 'mpirun' on the PATH"), result.text)
            XCTAssertTrue(result.errors.contains("openmpi-bin"), result.text)
        }
    }

    // MARK: - Slurm

    /// Runs the batch script as Slurm does: a copy in another folder. `scontrol` describes the job.
    private func submit(
        _ scene: Scene, status: Int, requeue: Int = 0, _ arguments: [String] = ["my c.yaml"], _ environment: [String: String] = [:]
    ) throws -> ProcessRunner.Result {
        try FileManager.default.createDirectory(atPath: scene.folder + "/spool", withIntermediateDirectories: true)
        let copy = scene.folder + "/spool/slurm_script"
        try? FileManager.default.removeItem(atPath: copy)
        try FileManager.default.copyItem(atPath: scene.project + "/launch/slurm.sbatch", toPath: copy)
        chmod(copy, 0o755)
        try scene.write(
            scene.tools + "/scontrol",
            """
            [ "$1" != requeue ] || { echo "$2" > '\(scene.folder)/requeued'; exit \(requeue); }
            printf 'JobId=%s\\n   Command=%s my c.yaml\\n' "$3" '\(scene.project)/launch/slurm.sbatch'
            """)
        return try scene.run(
            copy, arguments,
            ["SLURM_JOB_ID": "17", "SLURM_SUBMIT_DIR": "/nowhere", "SLURM_CPUS_PER_TASK": "8", "TOOL_STATUS": "\(status)"]
                .merging(environment) { $1 })
    }

    func testEachTaskOfAJobArrayHasItsOwnRunFolder() throws {
        try withScene { scene in
            let task = ["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "14"]
            let arguments = ["my c.yaml", "-o", "my runs/seed-%a", "--set", "seed=%a"]
            XCTAssertEqual(try submit(scene, status: 75, arguments, task).status, 0)
            XCTAssertEqual(
                try scene.recorded().suffix(7), ["train", "my c.yaml", "-o", "my runs/seed-3", "--set", "seed=3", "--resume"])
            // The number of this task's job, not of the array.
            XCTAssertEqual(try String(contentsOfFile: scene.folder + "/requeued", encoding: .utf8), "17\n")
            let refused = try submit(scene, status: 0, ["my c.yaml"], task)
            XCTAssertEqual(refused.status, 64, refused.text)
            XCTAssertTrue(refused.errors.contains("-o runs/NAME-%a"), refused.text)
            // Without an array, the text stays as it is.
            XCTAssertEqual(try submit(scene, status: 0, arguments).status, 0)
            XCTAssertTrue(try scene.recorded().contains("my runs/seed-%a"))
        }
    }

    func testTheBatchScriptFindsItsProjectAndKeepsTheFolderOfTheJob() throws {
        try withScene { scene in
            let result = try submit(scene, status: 0)
            XCTAssertEqual(result.status, 0, result.text)
            let drnet = scene.project + "/.build/release/drnet"
            XCTAssertEqual(
                try scene.recorded(),
                [scene.own, "--mpi=pmix", "--cpu-bind=cores", "--cpus-per-task=8", drnet, "train", "my c.yaml", "--resume"])
            XCTAssertFalse(FileManager.default.fileExists(atPath: scene.folder + "/requeued"))
        }
    }

    func testAStoppedRunIsRequeuedAndAFailedOneIsNot() throws {
        try withScene { scene in
            XCTAssertEqual(try submit(scene, status: 1).status, 1)
            XCTAssertFalse(FileManager.default.fileExists(atPath: scene.folder + "/requeued"))
            XCTAssertEqual(try submit(scene, status: 75).status, 0)
            XCTAssertEqual(try String(contentsOfFile: scene.folder + "/requeued", encoding: .utf8), "17\n")
            let refused = try submit(scene, status: 75, requeue: 1)
            XCTAssertEqual(refused.status, 75)
            XCTAssertTrue(refused.errors.contains("could not be requeued"), refused.text)
            XCTAssertEqual(try submit(scene, status: 0, []).status, 64)
        }
    }

    func testAJobThatLostAHostIsRequeuedAsLongAsItMakesProgress() throws {
        try withScene { scene in
            let requeued = scene.folder + "/requeued"
            func submit(_ restarts: Int, checkpoint: String? = nil) throws -> (status: Int32, isRequeued: Bool) {
                try? FileManager.default.removeItem(atPath: requeued)
                // The run writes a checkpoint while srun runs.
                let steps = scene.own + "/runs/x/checkpoints"
                try FileManager.default.createDirectory(atPath: steps, withIntermediateDirectories: true)
                let result = try self.submit(
                    scene, status: 69, ["my c.yaml", "-o", "runs/x"],
                    ["SLURM_RESTART_COUNT": "\(restarts)", "TOOL_MAKES": checkpoint.map { "\(steps)/\($0)" } ?? ""])
                return (result.status, FileManager.default.fileExists(atPath: requeued))
            }
            XCTAssertTrue(try submit(0) == (0, true))
            XCTAssertTrue(try submit(2) == (0, true))
            XCTAssertTrue(try submit(3) == (69, false), "a fault that comes back at once")
            XCTAssertTrue(try submit(3, checkpoint: "step-000000007") == (0, true))
            XCTAssertTrue(try submit(3, checkpoint: "step-000000007") == (69, false), "the checkpoint was there before")
            XCTAssertTrue(try submit(40, checkpoint: "step-000000009") == (0, true))
        }
    }
}
