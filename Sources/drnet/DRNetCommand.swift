import ArgumentParser
import Foundation
import Training

/// The command `drnet`. Before `main`, CStartup checks that the processor has the instructions that the program was compiled for.
@main
struct DRNetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drnet",
        abstract: "Trains, evaluates and uses dynamic resolution networks.",
        discussion: """
            Train on one machine with `drnet train CONFIG`, on several processes or hosts with `mpirun -n P drnet train CONFIG`.
            Every command has its own --help.
            """,
        version: RunEnvironment.projectVersion,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, PredictCommand.self, InfoCommand.self, SynthesizeCommand.self,
            StudyCommand.self,
        ])
}

/// Exit statuses besides 0 (done) and 1 (an error; 64 for a wrong command line). Documented in docs/checkpoints.md.
enum ExitStatus {
    /// A signal stopped the run after a checkpoint (EX_TEMPFAIL: try again, with --resume).
    static let stopped = ExitCode(75)
}
