import ArgumentParser
import Console
import Foundation
import Training

/// The command `drnet`. Before `main`, CStartup checks that the processor has the instructions that the program was compiled for.
@main
struct DRNetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drnet",
        abstract: "Trains, evaluates and runs dynamic resolution networks.",
        discussion: """
            Train with one process with `drnet train CONFIG`, and with several processes or hosts with `mpirun -n P drnet train CONFIG`.
            Every command has its own --help.
            """,
        version: RunEnvironment.projectVersion,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, RecommendCommand.self, PredictCommand.self, ExportCommand.self, ReportCommand.self,
            InfoCommand.self, ConfigCommand.self, MeasureCostsCommand.self, SynthesizeCommand.self, CheckDataCommand.self, PackCommand.self,
            DoctorCommand.self,
            StudyCommand.self,
        ])

    static func main() {
        Console.prepare()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Foundation.exit(Termination.status(after: error))
        }
    }
}

/// Exit statuses besides 0 (success), 1 (an error) and 64 (a wrong command line). docs/checkpoints.md documents them.
enum ExitStatus {
    /// A signal stopped the run, which wrote a checkpoint. EX_TEMPFAIL: run the command again with --resume.
    static let stopped = ExitCode(75)
}
