import ArgumentParser
import Configuration
import Console
import DynamicResolution
import Evaluation
import Foundation
import Inference
import Interchange
import Kernels

struct MeasureCostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure-costs",
        abstract: "Measures the milliseconds of an image at each resolution on this machine.",
        discussion: """
            Measures the classifier at each resolution and the decision, in one process, with resizing and without loading. Weights have no
            influence, so a configuration that was not trained yet can be measured. Name the file in policy.cost: decisions, targets and
            budgets then weigh these milliseconds in place of multiply-adds. Measure on the machine of the deployment, with its batch size
            and threads, while nothing else runs.

            Examples:
              drnet measure-costs my.yaml --output costs.json
              drnet measure-costs runs/my --batch-size 8 --threads 4
            """)

    @Argument(help: "The YAML file, or the folder of a run.")
    var config: String

    @Option(help: "Images of a pass.")
    var batchSize = 1

    @Option(help: "Computing threads (default: the cores of this machine).")
    var threads: Int?

    @Option(help: "Seconds after which the measurement ends, once each part ran a few times.")
    var seconds = 5.0

    @Option(help: "Number of classes (default: the classes of the run or of the data folder; 1000 if there is no such folder).")
    var classes: Int?

    @Option(help: "Write the table to this JSON file, which policy.cost can name.")
    var output: String?

    @OptionGroup var overrides: OverrideOptions

    func validate() throws {
        if !(1...4096).contains(batchSize) { throw ValidationError("--batch-size is \(batchSize); it must be 1 to 4096") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is \(threads); it must be 1 to 1024") }
        if !(seconds >= 0 && seconds <= 3600) { throw ValidationError("--seconds is \(seconds); it must be 0 to 3600") }
        try ClassCount.validate(classes)
    }

    func run() throws {
        if let output { try OutputPath.requireFile(output) }
        let isRun = try DurableFile.kind(of: config) == .folder
        let path = isRun ? RunFolder(path: config).configuration : config
        // The table that the configuration names can be the one to be written. The target plays no part.
        let configuration = try TrainingConfiguration.load(
            path: path, overrides: overrides.set + ["policy.cost=flops", "policy.flopsTarget=1"])
        let classCount = try classes ?? ClassCount.find(configuration.data.folder)
        let instructions = try InstructionSet.select(configuration.kernels.instructions)
        let cache = ProductsCache(instructions: instructions)
        let kernels = configuration.kernels
        let precision = Precision.select(kernels, recorded: nil, hasInstructions: instructions.multipliesBFloat16)
        let selection = ProductsSelection.select(kernels.products, precision: precision, recorded: nil, cache: cache) {
            ProductsMeasurement.run(
                KernelContext(threadCount: ProcessInfo.processInfo.activeProcessorCount, instructions: instructions))
        }
        let context = KernelContext(
            threadCount: threads ?? ProcessInfo.processInfo.activeProcessorCount,
            winograd: kernels.winograd ? .wherePays : .never, products: selection.products, instructions: instructions,
            precision: precision)
        let model = FrozenDRNet(try DRNet(configuration.withoutPretrained, classCount: classCount))
        let progress = MeasuringProgress(seconds: seconds)
        let milliseconds = try CostMeasurement(model, batchSize: batchSize, context: context).run(
            seconds: seconds, progress: progress.update)
        let table = CostTable(
            configuration,
            CostTable.Conditions(batchSize: batchSize, threads: context.threads.count, processor: ProcessorName.current), milliseconds)
        try report(table, model.flops)
    }

    private func report(_ table: CostTable, _ flops: FLOPsModel) throws {
        try Console.result(CostReport.text(table, flops))
        if let problem = table.problem { Console.warning("policy.cost will refuse this table: \(problem)") }
        guard let output else { return }
        try OutputPath.write(try table.data(), to: output)
        try Console.result("\ntable for policy.cost: \(output)")
    }
}

/// Reports the progress of a measurement: on a terminal on a line that is overwritten, otherwise on a new line every ten seconds.
private final class MeasuringProgress {
    private let isTerminal = isatty(STDOUT_FILENO) != 0
    private let start = ProcessInfo.processInfo.systemUptime
    private var last = ProcessInfo.processInfo.systemUptime
    private let seconds: Double

    init(seconds: Double) {
        self.seconds = seconds
    }

    func update(rounds: Int) {
        let now = ProcessInfo.processInfo.systemUptime
        guard now - last >= (isTerminal ? 0.5 : 10) else { return }
        last = now
        let text = String(format: "measured %d rounds in %.0f of %.0f s", rounds, now - start, seconds)
        isTerminal ? Console.progress("\r\u{1B}[K\(text)\r") : Console.note(text)
    }
}
