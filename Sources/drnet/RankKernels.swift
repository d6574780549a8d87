import Communication
import Configuration
import Inference
import Kernels

/// The kernels of a rank, with threads and buffers.
struct RankKernels {
    let context: KernelContext
    /// The implementation of matrix products and the reason for it; the same on all ranks.
    let products: ProductsSelection
    /// One line: "products: tiles (measured …); instructions: AVX2".
    let summary: String

    /// Selects them. Ranks can have tiles of different instruction sets, which compute the same bits. Collective.
    ///
    /// - Parameters:
    ///   - options: the keys of `kernels`.
    ///   - job: of the ranks.
    ///   - recordedProducts: reads the selection that a run keeps; nil if there is none. Runs on rank 0 only.
    /// - Throws: `AgreedFailure` if a processor lacks the configured instructions.
    init(_ options: TrainingConfiguration.KernelOptions, _ job: RankJob, _ recordedProducts: () throws -> ProductsSelection?) throws {
        let instructions = try job.communicator.agree(label: "instruction set") { try InstructionSet.select(options.instructions) }
        let context = KernelContext(
            threadCount: job.threadCount, winograd: options.winograd ? .wherePays : .never, instructions: instructions)
        let sets = try job.communicator.groupRanks(by: instructions.title, label: "instruction sets")
        let bfloat16 = try job.communicator.groupRanks(
            by: instructions.multipliesBFloat16 ? "fast AVX512-BF16" : "no fast AVX512-BF16", label: "instructions for bfloat16")
        let hasInstructions = bfloat16.isEqual && instructions.multipliesBFloat16
        // Ranks with different products would compute replicas that differ.
        let products = try job.communicator.valueOfRankZero(label: "implementation of matrix products") {
            let recorded = try recordedProducts()
            return ProductsSelection.select(
                options.products, precision: Precision.select(options, recorded: recorded, hasInstructions: hasInstructions),
                recorded: recorded, cache: ProductsCache(instructions: instructions)
            ) {
                ProductsMeasurement.run(context)
            }
        }
        self.products = products
        self.context = context.with(products: products.products, precision: products.precision ?? .float32)
        summary = "\(products.summary); instructions: \(sets.text)"
    }
}
