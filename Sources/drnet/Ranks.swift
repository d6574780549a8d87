import ArgumentParser
import Communication
import Configuration
import Console
import Evaluation
import Foundation
import Inference
import Kernels

/// This process among the ranks of its job, with the threads and buffers that it computes with.
struct Ranks {
    let communicator: Communicator
    let cores: CoreMap
    let context: KernelContext
    /// The implementation of matrix products and the reason for it; the same on all ranks.
    let products: ProductsSelection

    var isRoot: Bool { communicator.rank == 0 }

    /// Joins the job, divides the cores between the ranks, runs `body`, and leaves the job. An error on one rank ends all of them.
    /// Collective.
    ///
    /// - Parameter recordedProducts: reads the selection of matrix products that a run keeps; nil if there is none. Runs on rank 0 only.
    static func run(
        _ configuration: TrainingConfiguration, recordedProducts: () throws -> ProductsSelection?, _ body: (Ranks) throws -> Void
    ) throws {
        try RankJob.run(
            timeoutSeconds: configuration.communication.timeoutSeconds, isExitStatus: { $0 is ExitCode }
        ) { job in
            let context = KernelContext(threadCount: job.threadCount, winograd: configuration.kernels.winograd ? .wherePays : .never)
            // Ranks with different products would compute replicas that differ.
            let products = try job.communicator.valueOfRankZero(label: "implementation of matrix products") {
                ProductsSelection.select(configuration.kernels.products, recorded: try recordedProducts(), cache: ProductsCache()) {
                    ProductsMeasurement.run(context)
                }
            }
            try body(
                Ranks(
                    communicator: job.communicator, cores: job.cores, context: context.with(products: products.products),
                    products: products))
        }
    }

    /// Prints the map of ranks and cores, and warns of oversubscription. On rank 0.
    func describe() {
        guard isRoot else { return }
        cores.lines.forEach(Console.note)
        if let warning = cores.oversubscriptionWarning { Console.warning(warning) }
    }
}
