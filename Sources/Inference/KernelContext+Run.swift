import Configuration
import Foundation
import Kernels

extension KernelContext {
    /// A context on all cores of this machine, with the kernel settings of a run.
    ///
    /// If `kernels.products` is `auto` and neither the run folder nor the cache contains the faster implementation of products, this
    /// initialiser measures it (under 2 seconds).
    public convenience init(_ options: TrainingConfiguration.KernelOptions, of run: RunFolder) throws {
        let recorded = try run.recordedProductsOfThisProcessor()
        let (threadCount, winograd) = (ProcessInfo.processInfo.activeProcessorCount, options.winograd ? WinogradUse.wherePays : .never)
        let instructions = try InstructionSet.select(options.instructions)
        let cache = ProductsCache(instructions: instructions)
        let precision = Precision.select(options, recorded: recorded, hasInstructions: instructions.multipliesBFloat16)
        let selection = ProductsSelection.select(options.products, precision: precision, recorded: recorded, cache: cache) {
            ProductsMeasurement.run(KernelContext(threadCount: threadCount, winograd: winograd, instructions: instructions))
        }
        self.init(
            threadCount: threadCount, winograd: winograd, products: selection.products, instructions: instructions, precision: precision)
    }
}
