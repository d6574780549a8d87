import ArgumentParser
import Configuration
import Console
import Inference
import Training

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examines machines, folders and network before a long run, and measures a step; alone, or as one rank of mpirun.",
        discussion: """
            Start it exactly as the run: `launch/train --doctor CONFIG`, or `mpirun -n P drnet doctor CONFIG`. It trains nothing, and writes
            nothing but a small file beside the run's files, which it removes. The exit status is 1 if something would end the run.

            Examples:
              drnet doctor my.yaml
              mpirun -n 4 drnet doctor my.yaml --run-folder runs/my --seconds 10
            """)

    @Argument(help: "The YAML file of the run.")
    var config: String

    @Option(
        name: [.customLong("run-folder"), .customShort("o")], help: "The run folder (default: runs/ and the name of the YAML file).")
    var runFolder: String?

    @Option(help: "Seconds of each of the measurements.")
    var seconds = 3.0

    @OptionGroup var overrides: OverrideOptions

    func validate() throws {
        if !(seconds >= 0 && seconds <= 600) { throw ValidationError("--seconds is \(seconds); it must be 0 to 600") }
        if runFolder?.isEmpty == true { throw ValidationError("--run-folder is empty; it takes the path of a folder") }
    }

    func run() throws {
        let folder = RunFolder(path: runFolder ?? TrainCommand.defaultFolder(config))
        // Differences between the ranks are findings.
        try Ranks.run(
            nil, load: { try TrainingConfiguration.load(path: config, overrides: overrides.set) }, recordedProducts: { nil }
        ) { configuration, ranks in
            var (errors, warnings) = (0, 0)
            let doctor = Doctor(
                configuration, communicator: ranks.communicator, cores: ranks.cores, context: ranks.context,
                kernels: ranks.kernels.summary, runFolder: folder
            ) { finding in
                if finding.level == .error { errors += 1 }
                if finding.level == .warning { warnings += 1 }
                guard ranks.isRoot else { return }
                finding.lines.forEach(Console.note)
            }
            let canStart = try doctor.examine(seconds: seconds)
            if ranks.isRoot {
                Console.note(
                    "\(errors) \(errors == 1 ? "error" : "errors"), \(warnings) \(warnings == 1 ? "warning" : "warnings")"
                        + (canStart ? "" : ": a run would end"))
            }
            if !canStart { throw ExitCode.failure }
        }
    }
}
