import ArgumentParser
import Communication
import Console

/// Reports the error that ends the command, and determines its exit status.
enum Termination {
    /// Reports an error: one line for each problem, and the usage after a wrong command line. Help and the version count as errors for
    /// ArgumentParser; they are results.
    ///
    /// - Returns: the exit status.
    static func status(after error: any Error) -> Int32 {
        // Another rank reports it.
        if error is ReportedFailure { return ExitCode.failure.rawValue }
        let status = DRNetCommand.exitCode(for: error)
        if error is ExitCode { return status.rawValue }
        switch status {
        case .success: return show(DRNetCommand.fullMessage(for: error))
        case .validationFailure: return refuse(error)
        default:
            if let error = error as? ConsoleError, error.isClosedPipe { return ExitCode.success.rawValue }
            for line in ErrorText.describe(error).split(separator: "\n") { Console.error(String(line)) }
            return status.rawValue
        }
    }

    /// Shows help or the version, once in a job of several ranks.
    private static func show(_ text: String) -> Int32 {
        guard ProcessEnvironment.launchedRank ?? 0 == 0 else { return ExitCode.success.rawValue }
        do {
            try Console.result(text)
            return ExitCode.success.rawValue
        } catch {
            return self.status(after: error)
        }
    }

    /// Reports a wrong command line, once in a job of several ranks.
    private static func refuse(_ error: any Error) -> Int32 {
        let problem = DRNetCommand.message(for: error)
        var usage = DRNetCommand.fullMessage(for: error)
        let heading = "Error: \(problem)\n"
        if usage.hasPrefix(heading) { usage.removeFirst(heading.count) }
        do {
            try RankJob.refuse(commandLine: problem, usage: usage)
            Console.error(problem + "\n" + usage)
        } catch is ReportedFailure {
        } catch {
            Console.error(ErrorText.describe(error))
        }
        return ExitCode.validationFailure.rawValue
    }
}
