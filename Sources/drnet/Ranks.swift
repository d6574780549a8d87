import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Foundation
import Inference
import Kernels
import Training

/// This process among the ranks of its job, with the threads and buffers that it computes with.
struct Ranks {
    let communicator: Communicator
    let cores: CoreMap
    let kernels: RankKernels

    var context: KernelContext { kernels.context }
    var isRoot: Bool { communicator.rank == 0 }

    /// Joins the job, loads the configuration, divides the cores between the ranks, runs `body`, and leaves the job. An error on one rank
    /// ends all of them. Collective.
    ///
    /// - Parameters:
    ///   - command: the command and those of its options that all ranks need alike. Nil where ranks may differ: their programs and
    ///     configurations are then not compared.
    ///   - load: loads the configuration on each rank.
    ///   - recordedProducts: reads the selection of matrix products that a run keeps; nil if there is none. Runs on rank 0 only.
    ///   - body: receives the configuration and the ranks.
    static func run(
        _ command: [RankFact]?, load: () throws -> TrainingConfiguration, recordedProducts: () throws -> ProductsSelection?,
        _ body: (TrainingConfiguration, Ranks) throws -> Void
    ) throws {
        try RankJob.run(timeoutSeconds: RankJob.startSeconds, isExitStatus: { $0 is ExitCode }) { job in
            if let command { try requireSamePrograms(command, job.communicator) }
            let configuration = try job.communicator.agree(label: "configuration", load)
            if command != nil { try configuration.requireSame(on: job.communicator) }
            job.communicator.timeoutSeconds = configuration.communication.timeoutSeconds
            job.communicator.saveTimeoutSeconds = configuration.communication.saveTimeoutSeconds
            let kernels = try RankKernels(configuration.kernels, job, recordedProducts)
            try body(configuration, Ranks(communicator: job.communicator, cores: job.cores, kernels: kernels))
        }
    }

    /// Prints the map of ranks and cores, and warns of oversubscription. On rank 0.
    func describe() {
        guard isRoot else { return }
        cores.lines.forEach(Console.note)
        if let warning = cores.oversubscriptionWarning { Console.warning(warning) }
    }
}
