import ArgumentParser
import Foundation
import Kernels
import Training

/// The command `drnet`.
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

    /// Refuses processors that the kernels were not compiled for, before one of them meets an unknown instruction.
    static func requireProcessor() throws {
        let missing = ProcessorFeatures.missing()
        guard missing.isEmpty else {
            throw ValidationError("this processor lacks \(missing.joined(separator: ", ")), which drnet is compiled for")
        }
    }
}

/// Exit statuses besides 0 (done) and 1 (an error; 64 for a wrong command line). Documented in docs/checkpoints.md.
enum ExitStatus {
    /// A signal stopped the run after a checkpoint (EX_TEMPFAIL: try again, with --resume).
    static let stopped = ExitCode(75)
}
