import ArgumentParser
import Communication
import Console
import DynamicResolution
import Foundation
import NeuralNetwork
import Training

/// Measures what even work is worth in the worst case: all hard images on rank 0.
struct BalanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balance", abstract: "Times fine-tuning steps with and without communication.balance, as a rank of mpirun.",
        discussion: """
            All images of rank 0 go to the largest resolution, and those of the other ranks to the smallest. Steps with and without balance
            alternate. Prints a line of JSON for each: seconds of a step, and seconds that each rank spends in collectives before the sum of
            the gradients. This is its idle time and the time of its transfers.
            """)

    @Option(help: "Name of the classifier as in torchvision.")
    var network = "resnet18"
    @Option(help: "Candidates in pixels, largest first.")
    var pixels = PixelSizes(sizes: [224, 112])
    @Option(help: "Images of each rank.")
    var share = 8
    @Option(help: "Threads per rank (default: its share of the cores).")
    var threads: Int?
    @Option(help: "Number of timed pairs of steps.")
    var steps = 5
    @Flag(help: "Normalise with the statistics of all ranks.")
    var globalBatchNorm = false

    func validate() throws {
        _ = try Backbone(named: network, option: "network")
        for size in pixels.sizes { try Limits.require(size, in: Limits.pixels, "pixels") }
        guard pixels.sizes.count > 1, zip(pixels.sizes, pixels.sizes.dropFirst()).allSatisfy(>) else {
            throw ValidationError("--pixels takes two candidates or more, largest first: --pixels 224,112")
        }
        try Limits.require(share, in: Limits.batch, "share")
        try Limits.require(steps, in: Limits.repetitions, "steps")
        if let threads { try Limits.require(threads, in: Limits.threads, "threads") }
    }

    func run() throws {
        try Job.run(threads: threads) { job in
            let networks = BenchmarkNetworks(
                backbone: try Backbone(named: network, option: "network"), resolutions: pixels.sizes, predictorPixels: 128)
            let images = RandomImages(count: share, size: pixels.sizes[0], rank: job.communicator.rank, job.context)
            let cases = ["none", "flops"].map { BalancedTraining(networks.model, images, job, balance: $0, globalBatchNorm) }
            for workload in cases { _ = try workload.step() }
            for _ in 0..<steps {
                for workload in cases { try workload.measure() }
            }
            for workload in cases {
                let result = try workload.result(network: network, pixels: pixels.sizes, share: share)
                if job.communicator.rank == 0 { try Console.result(jsonLine(result)) }
            }
        }
    }
}

/// Medians of the timed steps.
private struct BalanceResult: Encodable {
    var balance: String
    var network: String
    var pixels: [Int]
    var batchNorm: String
    var imagesPerRank: Int
    var secondsPerStep: Double
    /// Of each rank.
    var secondsInCollectives: [Double]
}

private final class BalancedTraining {
    private let job: Job
    private let model: DRNet
    private let images: RandomImages
    private let clock: TimedCommunicator
    private let exchange: RankExchange
    private let training: TrainingStep
    private let options: FineTuneOptions
    private let balance: String
    private let batchNorm: String
    private var samples: [(step: Double, waiting: Double)] = []

    /// Larger than the predictor's own logits, which are a few units.
    private static let decidingNoise: Float = 30

    init(_ model: DRNet, _ images: RandomImages, _ job: Job, balance: String, _ globalBatchNorm: Bool) {
        self.job = job
        self.model = model
        self.images = images
        self.balance = balance
        batchNorm = globalBatchNorm ? "global" : "local"
        clock = TimedCommunicator(job.communicator)
        exchange = RankExchange(clock)
        training = TrainingStep(
            model: model, ranks: job.communicator.rankCount > 1 ? exchange : nil, globalBatchNorm: globalBatchNorm,
            loss: ClassificationLoss(), balance: balance == "flops" ? exchange : nil)
        let columns = model.resolutions.count
        let chosen = job.communicator.rank == 0 ? 0 : columns - 1
        options = FineTuneOptions(
            estimator: StraightThrough(),
            regularizer: FLOPsRegularizer(weight: 1, target: model.flops.smallest, costs: model.flops.classifier), temperature: 1,
            noise: { batch in
                PolicyNoise(
                    gumbel: batch.sampleIndices.flatMap { _ in (0..<columns).map { $0 == chosen ? Self.decidingNoise : 0 } },
                    probes: batch.sampleIndices.map { _ in 0 })
            })
    }

    /// Runs the gradients of one step.
    ///
    /// - Returns: seconds of the slowest rank, and this rank's seconds in collectives.
    func step() throws -> (step: Double, waiting: Double) {
        for network in model.networks { network.arena.clearGradients() }
        try job.communicator.barrier(label: "before a timed step")
        clock.seconds = 0
        let count = images.batch.labels.count * job.communicator.rankCount
        let seconds = try Timing.seconds {
            _ = try training.fineTune([images.batch], globalCount: count, options)
            try clock.barrier(label: "before the sum of the gradients")
        }
        training.statistics.forEach { $0.clear() }
        return (seconds, clock.seconds)
    }

    func measure() throws { samples.append(try step()) }

    /// Collective.
    func result(network: String, pixels: [Int], share: Int) throws -> BalanceResult {
        var waiting = [Double](repeating: 0, count: job.communicator.rankCount)
        waiting[job.communicator.rank] = Spread(samples.map(\.waiting)).median
        try job.communicator.allReduceSum(&waiting, label: "seconds in collectives")
        return BalanceResult(
            balance: balance, network: network, pixels: pixels, batchNorm: batchNorm, imagesPerRank: share,
            secondsPerStep: Spread(samples.map(\.step)).median, secondsInCollectives: waiting)
    }
}

/// Measures the time that this rank spends in collectives.
private final class TimedCommunicator: Communicator {
    private let inner: Communicator
    /// Seconds in collectives since it was set to 0.
    var seconds = 0.0

    init(_ inner: Communicator) { self.inner = inner }

    var rank: Int { inner.rank }
    var rankCount: Int { inner.rankCount }
    var hostName: String { inner.hostName }
    var context: String {
        get { inner.context }
        set { inner.context = newValue }
    }
    var timeoutSeconds: Double {
        get { inner.timeoutSeconds }
        set { inner.timeoutSeconds = newValue }
    }
    var phase: RankPhase {
        get { inner.phase }
        set { inner.phase = newValue }
    }
    var saveTimeoutSeconds: Double {
        get { inner.saveTimeoutSeconds }
        set { inner.saveTimeoutSeconds = newValue }
    }
    var sumsInBackground: Bool { inner.sumsInBackground }

    func reportProgress() { inner.reportProgress() }

    private func timed(_ body: () throws -> Void) throws { seconds += try Timing.seconds(body) }

    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) throws {
        try timed { try inner.allReduceSum(values, label: label) }
    }

    func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try timed { try inner.allReduceSum(values, label: label) }
    }

    func allReduceMin(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try timed { try inner.allReduceMin(values, label: label) }
    }

    func prepareSums(_ algorithm: SumAlgorithm, format: TransferFormat) throws { try inner.prepareSums(algorithm, format: format) }

    func beginSum(_ values: UnsafeMutableBufferPointer<Float>) { inner.beginSum(values) }

    func finishSums(label: String) throws { try timed { try inner.finishSums(label: label) } }

    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) throws {
        try timed { try inner.broadcast(bytes, root: root, label: label) }
    }

    func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) throws {
        try timed { try inner.allGather(bytes, into: all, label: label) }
    }

    func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String
    ) throws {
        try timed { try inner.allToAll(values, counts: counts, into: received, counts: receivedCounts, label: label) }
    }

    func barrier(label: String) throws { try timed { try inner.barrier(label: label) } }

    func finalize() throws { try inner.finalize() }

    func abort(status: Int32) -> Never { inner.abort(status: status) }
}
