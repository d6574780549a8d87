import ArgumentParser
import Console
import Interchange
import Kernels
import NeuralNetwork
import Training

/// The work of a step.
enum StepPass: String, CaseIterable, ExpressibleByArgument {
    /// A training step of a classifier: forward pass, cross entropy, backward pass and SGD.
    case train
    /// Inference with a classifier.
    case forward
    /// A fine-tuning step of a dynamic resolution network. Its images are spread evenly over the resolutions.
    case drnetTrain = "drnet-train"
    /// Evaluation of a dynamic resolution network with evenly spread images, alternating with evaluation at the largest resolution alone.
    case dynamic

    var usesPredictor: Bool { self == .drnetTrain || self == .dynamic }
    var isTraining: Bool { self == .train || self == .drnetTrain }
}

/// Parses sizes in pixels, separated by commas.
struct PixelSizes: ExpressibleByArgument {
    var sizes: [Int]

    init(sizes: [Int]) { self.sizes = sizes }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.allSatisfy({ $0 != nil }) else { return nil }
        sizes = parts.compactMap { $0 }
    }

    var defaultValueDescription: String { sizes.map(String.init).joined(separator: ",") }
}

struct StepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step", abstract: "Times one case, in one process or as a rank of mpirun, and prints a line of JSON.",
        discussion: "Images are random. Each rank takes its share of the batch; rank 0 prints.")

    @Option(help: "Name of the classifier as in torchvision.")
    var network = "resnet50"
    @Option(help: "Image size in pixels; for drnet-train and dynamic, the candidates, largest first.")
    var pixels = PixelSizes(sizes: [224])
    @Option(help: "Images per step over all ranks.")
    var batch = 16
    @Option(help: "Work of a step.")
    var pass = StepPass.train
    @Option(help: "Threads per rank (default: its share of the cores).")
    var threads: Int?
    @Option(help: "Number of timed steps.")
    var steps = 4
    @Option(help: "Number of untimed steps before the timed ones.")
    var warmUpSteps = 2
    @Option(help: "Size of the predictor's input in pixels.")
    var predictorPixels = 128
    @Flag(inversion: .prefixedNo, help: "Use Winograd's transforms for 3×3 convolutions where they are faster.")
    var winograd = true
    @Option(help: "Implementation of matrix products.")
    var products = ProductsKind.tiles
    @Option(help: "Vector instructions of the tiles (default: the fastest of this processor).")
    var instructions: InstructionSet?
    @Option(help: "Precision of the operands of products.")
    var precision = Precision.float32

    func validate() throws {
        _ = try Backbone(named: network, option: "network")
        for size in pixels.sizes + [predictorPixels] { try Limits.require(size, in: Limits.pixels, "pixels") }
        try Limits.require(batch, in: Limits.batch, "batch")
        try Limits.require(steps, in: Limits.repetitions, "steps")
        try Limits.require(warmUpSteps, in: 0...Limits.repetitions.upperBound, "warm-up-steps")
        if let threads { try Limits.require(threads, in: Limits.threads, "threads") }
        if let instructions, !InstructionSet.available.contains(instructions) {
            throw ValidationError("--instructions is \(instructions.rawValue), which this processor or this build lacks")
        }
        if precision == .bfloat16, products == .openblas { throw ValidationError("--precision bfloat16 needs --products tiles") }
        if pass.usesPredictor {
            guard pixels.sizes.count > 1, zip(pixels.sizes, pixels.sizes.dropFirst()).allSatisfy(>) else {
                throw ValidationError("--pass \(pass.rawValue) takes two candidates or more, largest first: --pixels 224,168,112")
            }
        } else if pixels.sizes.count != 1 {
            throw ValidationError("--pass \(pass.rawValue) takes one size: --pixels \(pixels.sizes.first ?? 224)")
        }
    }

    func run() throws {
        let winograd = winograd ? WinogradUse.wherePays : .never
        try Job.run(threads: threads, winograd: winograd, products: products, instructions: instructions, precision: precision) { job in
            let share = try share(of: job)
            let measured = try measure(workload(share, job), job)
            if job.communicator.rank == 0 { try Console.result(jsonLine(measured)) }
        }
    }

    /// Returns the number of images per rank and step.
    private func share(of job: Job) throws -> Int {
        // In drnet-train, each rank has the same number of images at each resolution.
        let unit = job.communicator.rankCount * (pass == .drnetTrain ? pixels.sizes.count : 1)
        guard batch % unit == 0 else {
            throw ValidationError("--batch is \(batch); here a multiple of \(unit) (ranks\(pass == .drnetTrain ? " × resolutions" : ""))")
        }
        return batch / job.communicator.rankCount
    }

    private func workload(_ share: Int, _ job: Job) throws -> Workload {
        let networks = BenchmarkNetworks(
            backbone: try Backbone(named: network, option: "network"), resolutions: pixels.sizes,
            predictorPixels: pass.usesPredictor ? predictorPixels : nil)
        let images = RandomImages(count: share, size: pixels.sizes[0], rank: job.communicator.rank, job.context)
        switch pass {
        case .train: return ClassifierTraining(networks, images, job)
        case .forward: return ClassifierForward(networks, images, job)
        case .drnetTrain: return DRNetTraining(networks, images, job)
        case .dynamic: return DRNetEvaluation(networks, images, job)
        }
    }

    private func measure(_ workload: Workload, _ job: Job) throws -> Measurement {
        for _ in 0..<warmUpSteps { _ = try workload.step() }
        let samples = try (0..<steps).map { _ in try workload.step() }
        let (seconds, fixed) = (samples.map(\.seconds), samples.compactMap(\.fixedSeconds))
        let perStep = Spread(seconds).median
        let images = Double(batch) / perStep
        let cost = workload.cost
        var measured = Measurement(
            program: "drnet", version: RunEnvironment.projectVersion, network: network, pixels: pixels.sizes, batch: batch,
            pass: pass.rawValue, ranks: job.communicator.rankCount, threads: job.threads, seconds: seconds, secondsPerStep: perStep,
            imagesPerSecond: images, gigaFLOPsPerSecond: cost.flops * images / 1e9, bytesPerImage: cost.traffic.fused,
            bytesPerImageSeparate: cost.traffic.separate, peakMemoryBytes: try job.peakMemoryBytes(), products: products.rawValue)
        if let share = cost.shareOfLargest {
            measured.fixedLargest = Measurement.FixedLargest(
                secondsPerStep: Spread(fixed).median, timeRatio: Spread(zip(seconds, fixed).map(/)).median, flopsRatio: share)
        }
        return measured
    }
}
