import Configuration
import ArgumentParser
import Communication
import Foundation
import Kernels

/// This process among the ranks of its job: started, set up and ended in one place.
struct Ranks {
    let communicator: Communicator
    let cores: CoreMap
    /// What this rank computes with.
    let context: KernelContext

    var isRoot: Bool { communicator.rank == 0 }

    /// Joins the job (or none), divides the cores, runs `body`, and ends the job as a whole: an error on one rank is told by that
    /// rank and ends all of them.
    static func run(_ configuration: TrainingConfiguration, _ body: (Ranks) throws -> Void) throws {
        try DRNetCommand.requireProcessor()
        let communicator = try ProcessEnvironment.makeCommunicator(
            timeoutSeconds: configuration.communication.timeoutSeconds)
        do {
            let cores = try CoreMap.gather(communicator)
            let context = KernelContext(
                threadCount: cores.threadCount(rank: communicator.rank), winograd: configuration.kernels.winograd ? .wherePays : .never)
            try body(Ranks(communicator: communicator, cores: cores, context: context))
            try communicator.finalize()
        } catch let status as ExitCode {
            try communicator.finalize()
            throw status
        } catch {
            guard communicator.rankCount > 1 else { throw error }
            Message.write("drnet: rank \(communicator.rank) on \(communicator.hostName): \(error)")
            communicator.abort(status: 1)
        }
    }

    /// Prints the map of ranks and cores, and warns of oversubscription. On rank 0.
    func describe() {
        guard isRoot else { return }
        for line in cores.lines { print(line) }
        if let warning = cores.oversubscriptionWarning { Message.write("warning: \(warning)") }
    }
}

/// Lines on standard error.
enum Message {
    static func write(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
