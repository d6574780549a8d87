import Configuration
import ArgumentParser
import Communication
import Evaluation
import Foundation
import Inference
import Kernels

/// This process among the ranks of its job: started, set up and ended in one place.
struct Ranks {
    let communicator: Communicator
    let cores: CoreMap
    /// What this rank computes with.
    let context: KernelContext
    /// Why it multiplies matrices as it does; the same on all ranks.
    let products: ProductsSelection

    var isRoot: Bool { communicator.rank == 0 }

    /// Joins the job (or none), divides the cores, runs `body`, and ends the job as a whole: an error on one rank is told by that
    /// rank and ends all of them.
    ///
    /// - Parameter recordedProducts: reads the selection of matrix products that is to be kept, if any; on rank 0 only.
    static func run(
        _ configuration: TrainingConfiguration, recordedProducts: () throws -> ProductsSelection?, _ body: (Ranks) throws -> Void
    ) throws {
        let communicator = try ProcessEnvironment.makeCommunicator(
            timeoutSeconds: configuration.communication.timeoutSeconds)
        do {
            let cores = try CoreMap.gather(communicator)
            let context = KernelContext(
                threadCount: cores.threadCount(rank: communicator.rank), winograd: configuration.kernels.winograd ? .wherePays : .never)
            // Ranks with different products would compute replicas that differ.
            let products = try communicator.valueOfRankZero(label: "implementation of matrix products") {
                ProductsSelection.select(configuration.kernels.products, recorded: try recordedProducts(), cache: ProductsCache()) {
                    ProductsMeasurement.run(context)
                }
            }
            try body(
                Ranks(communicator: communicator, cores: cores, context: context.with(products: products.products), products: products))
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
