import Communication
import DynamicResolution
import Foundation
import Inference
import Interchange
import NeuralNetwork

/// The images, the speed of loading and computing, and an estimate of the time of a step.
extension Doctor {
    /// Opens the images, loads some batches and runs some steps on them. Reports its findings. Collective.
    func examineData(seconds: Double) throws {
        let data: TrainingData
        do {
            data = try TrainingData(configuration, communicator: communicator, context: context)
        } catch let failure as any SharedFailure {
            for line in "\(failure)".split(separator: "\n") { add(Finding(.error, "images", String(line))) }
            return
        } catch  where communicator.rankCount == 1 {
            add(Finding(.error, "images", "\(error)"))
            return
        }
        add(
            Finding(
                .ok, "images",
                "\(data.folder.training.count) training and \(data.folder.validation.count) validation images of "
                    + "\(data.folder.classes.count) classes, the same on all ranks"))
        let plans = StagePlan.plans(configuration.stages).filter { !$0.isRecalibration }
        guard let plan = plans.last, !data.folder.training.isEmpty else { return }
        let (batches, loading) = try loadingSpeed(plan, data, seconds: seconds)
        guard !batches.isEmpty else { return }
        try examineStep(plan, data, batches, loading: loading, seconds: seconds)
    }

    /// Loads micro-batches on all ranks. Collective.
    ///
    /// - Returns: the micro-batches of one step, and the images that all ranks together load in a second while nothing else runs.
    private func loadingSpeed(
        _ plan: StagePlan, _ data: TrainingData, seconds: Double
    ) throws -> (batches: [MicroBatch], imagesPerSecond: Double) {
        let loader = data.trainingBatches(plan, runEpoch: 0, firstBatch: 0)
        defer { loader.stop() }
        let start = Date()
        var (batches, images): ([MicroBatch], Int) = ([], 0)
        let outcome = Result {
            while batches.count < configuration.optimizer.accumulationSteps || Date().timeIntervalSince(start) < seconds {
                guard let batch = try loader.next() else { break }
                images += batch.labels.count
                if batches.count < configuration.optimizer.accumulationSteps { batches.append(batch) }
            }
        }
        let elapsed = max(Date().timeIntervalSince(start), 1e-6)
        do {
            try communicator.agree(label: "images of a step") { try outcome.get() }
        } catch {
            for line in "\(error)".split(separator: "\n") { add(Finding(.error, "images", String(line))) }
            return ([], 0)
        }
        let rates = try communicator.numbers(Double(images) / elapsed, label: "speed of loading")
        // An epoch can have fewer micro-batches than a step, and then all ranks have equally many.
        return (batches, rates.reduce(0, +))
    }

    /// Runs steps on all ranks, and reports their time. Collective.
    private func examineStep(
        _ plan: StagePlan, _ data: TrainingData, _ batches: [MicroBatch], loading: Double, seconds: Double
    ) throws {
        let model = try DRNet(configuration.withoutPretrained, classCount: data.folder.classes.count)
        let networks = plan.usesPredictor ? model.networks : [model.classifier]
        let trial = try TrialStep(configuration, plan, model, communicator)
        _ = try trial.run(batches)
        let started = Date()
        var samples: [TrialStep.Times] = []
        while try isFollowedByAnotherStep(samples.count, since: started, seconds: seconds) { samples.append(try trial.run(batches)) }
        func median(_ key: KeyPath<TrialStep.Times, Double>) -> Double { samples.map { $0[keyPath: key] }.sorted()[samples.count / 2] }
        let images = try communicator.sum(Double(batches.reduce(0) { $0 + $1.labels.count }), label: "images of a step")
        let computing = try communicator.numbers(median(\.computing), label: "time of computing")
        let step = try communicator.numbers(median(\.whole), label: "time of a step").max() ?? 0
        let bytes = networks.reduce(0) { $0 + $1.arena.gradients.count * MemoryLayout<Float>.stride }
        let sum = communicator.rankCount > 1 ? try time(ofSumOver: bytes, seconds: seconds / 5).seconds : 0
        try reportStep(
            plan, data, Estimate(step: step, computing: computing, sum: sum, gradientBytes: bytes, images: images, loading: loading))
    }

    /// The time of rank 0 decides, so that all ranks run equally many steps. Collective.
    private func isFollowedByAnotherStep(_ steps: Int, since start: Date, seconds: Double) throws -> Bool {
        if steps < 2 { return true }
        let wantsMore = communicator.rank == 0 && steps < 50 && Date().timeIntervalSince(start) < seconds
        return try communicator.sum(wantsMore ? 1 : 0, label: "another step") > 0
    }

    private struct Estimate {
        var step: Double
        /// Of each rank, with waiting inside of batch norms.
        var computing: [Double]
        var sum: Double
        var gradientBytes: Int
        var images: Double
        /// Images per second.
        var loading: Double
    }

    private func reportStep(_ plan: StagePlan, _ data: TrainingData, _ estimate: Estimate) throws {
        let training = estimate.images / max(estimate.step, 1e-9)
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts of the steps")
        let slowest = estimate.computing.max() ?? 0
        let typical = estimate.computing.sorted()[(estimate.computing.count - 1) / 2]
        let steps = data.stepsPerEpoch(plan)
        add(
            Finding(
                .ok, "step",
                "\(plan.name): about \(Self.duration(estimate.step)) for \(Int(estimate.images)) images on \(communicator.rankCount) "
                    + "\(communicator.rankCount == 1 ? "rank" : "ranks") (\(Figures.threeDigits(training)) images/s); sum of the gradients "
                    + "(\(Figures.threeDigits(Double(estimate.gradientBytes) / 1e6)) MB) \(Self.duration(estimate.sum)); an epoch has "
                    + "\(steps) \(steps == 1 ? "step" : "steps"), \(Self.duration(estimate.step * Double(steps)))"))
        if slowest > Self.slowFactor * typical, let rank = estimate.computing.firstIndex(of: slowest) {
            add(
                Finding(
                    .warning, "slow rank",
                    "rank \(rank) on \(hosts[rank]) computes \(Self.duration(slowest)) a step, the median rank \(Self.duration(typical))",
                    advice: "look for other programs on this host, a lower clock or fewer cores; communication.balance flops helps if only "
                        + "its images are harder"))
        }
        if estimate.sum > Self.sumShare * estimate.step {
            add(
                Finding(
                    .warning, "sum of the gradients",
                    "\(Figures.percent(estimate.sum / estimate.step)) % of a step",
                    advice: "use a larger optimizer.batchSize or optimizer.accumulationSteps, fewer ranks with more threads, or a faster "
                        + "network"))
        }
        let rates = "loading \(Figures.threeDigits(estimate.loading)) images/s, training \(Figures.threeDigits(training)) images/s"
        let isSlow = estimate.loading < Self.loadingFactor * training
        add(
            Finding(
                isSlow ? .warning : .ok, "loading", rates,
                advice: isSlow
                    ? "training will wait for images: store them smaller (about the largest resolution), on a local disk, or raise "
                        + "data.decodingThreads" : nil))
    }

    /// A rank is slow if it computes longer than the median rank by this factor.
    private static let slowFactor = 1.25
    /// A sum of the gradients is long if it takes more than this share of a step.
    private static let sumShare = 0.3
    /// Decoding shares the cores with training. Below this factor, it takes more than half of them.
    private static let loadingFactor = 2.0
}
