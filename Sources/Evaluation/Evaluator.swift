import Communication
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork

/// Evaluates a frozen DRNet on this rank's share of the images, and puts the results of all ranks together.
///
/// The dynamic network groups images by the predicted resolution, so that the classifier runs once an image, on full batches.
public final class Evaluator {
    private let model: FrozenDRNet
    private let communicator: Communicator
    private let batchSize: Int
    private let ways: Ways
    private var queues: [Queue]
    private var results: [Int: ImageResult] = [:]
    private var dynamicSeconds = 0.0
    private var times: [BatchTime] = []

    /// Which ways of using the network are run.
    public struct Ways: OptionSet, Sendable {
        public let rawValue: Int
        /// The resolution that the predictor picks.
        public static let dynamic = Ways(rawValue: 1)
        /// Every image at every resolution.
        public static let fixed = Ways(rawValue: 2)
        /// The predictor's probabilities, besides every image at every resolution: from these follows what any choice would do.
        public static let policy = Ways(rawValue: 4 | 2)

        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// What all ranks found out.
    public struct Outcome {
        /// In the order of the images.
        public var results: [ImageResult]
        public var speed: Evaluation.Speed
        /// Of an image on one rank; nil where the fixed resolutions did not run.
        public var milliseconds: ImageCosts?

        /// For what needs them: every way but `dynamic` alone measures them, if there is an image.
        public func requireMilliseconds() throws -> ImageCosts {
            guard let milliseconds else { throw BudgetError.noImages }
            return milliseconds
        }
    }

    /// Images of one predicted resolution, resized, that wait for a full batch.
    private struct Queue {
        var images: Tensor
        var samples: [Int] = []
    }

    public init(model: FrozenDRNet, communicator: Communicator, batchSize: Int, ways: Ways, context: KernelContext) {
        self.model = model
        self.communicator = communicator
        self.batchSize = batchSize
        self.ways = ways
        queues = model.resolutions.map {
            Queue(images: Tensor(Shape(batch: batchSize, height: $0, width: $0, channels: 3), context))
        }
    }

    /// Evaluates all of this rank's batches. Collective at its end: `nextBatch` returns nil on every rank sooner or later.
    public func run(_ nextBatch: () throws -> MicroBatch?) throws -> Outcome {
        try runBatches(nextBatch)
        return try gather()
    }

    private func runBatches(_ nextBatch: () throws -> MicroBatch?) throws {
        let parts = parts
        var batches = 0
        while let batch = try nextBatch() {
            begin(batch)
            // Batch by batch, so that a machine whose speed drifts is fair to all; in turns, since whatever comes first shares the cores
            // with the loader, which begins to decode when a batch is taken.
            for index in parts.indices { try run(parts[(index + batches) % parts.count], batch) }
            if !ways.contains(.dynamic) { finish(batch) }
            batches += 1
        }
        try measuring(&dynamicSeconds) { try model.resolutions.indices.forEach(flush) }
    }

    /// Something that is run and timed by itself.
    private enum Part {
        case fixed(Int)
        case predictor
        case dynamic
    }

    private var parts: [Part] {
        (ways.contains(.fixed) ? model.resolutions.indices.map(Part.fixed) : []) + (ways.contains(.policy) ? [.predictor] : [])
            + (ways.contains(.dynamic) ? [.dynamic] : [])
    }

    private func run(_ part: Part, _ batch: MicroBatch) throws {
        switch part {
        case .fixed(let index): try runFixed(index, batch)
        case .predictor: try runPredictor(batch)
        case .dynamic: try measuring(&dynamicSeconds) { try runDynamic(batch) }
        }
    }

    private func begin(_ batch: MicroBatch) {
        let columns = ways.contains(.fixed) ? model.resolutions.count : 0
        for (row, sample) in batch.sampleIndices.enumerated() {
            results[sample] = ImageResult(
                sample: sample, label: Int(batch.labels[row]), choice: 0, predicted: 0, labelRank: 0,
                fixedLabelRanks: [Int](repeating: 0, count: columns), fixedPredictions: [Int](repeating: 0, count: columns),
                topProbabilities: [Float](repeating: 0, count: columns))
        }
    }

    /// What the choice gives follows from the fixed resolutions.
    private func finish(_ batch: MicroBatch) {
        for sample in batch.sampleIndices { results[sample] = results[sample]!.routed(to: results[sample]!.choice) }
    }

    private func runDynamic(_ batch: MicroBatch) throws {
        let choices = try model.route(batch.images)
        for (row, sample) in batch.sampleIndices.enumerated() { results[sample]!.choice = choices[row] }
        let subBatches = Router.subBatches(choices: choices, resolutionCount: model.resolutions.count)
        for (index, rows) in subBatches.enumerated() where !rows.isEmpty {
            let resized = model.resizing(batch.gathering(rows), toResolution: index)
            for (position, row) in rows.enumerated() {
                queues[index].images.image(queues[index].samples.count)
                    .update(from: resized.image(position), count: resized.shape.count / rows.count)
                queues[index].samples.append(batch.sampleIndices[row])
                if queues[index].samples.count == batchSize { try flush(index) }
            }
        }
    }

    /// Classifies what waits at one resolution.
    private func flush(_ index: Int) throws {
        let samples = queues[index].samples
        guard !samples.isEmpty else { return }
        queues[index].samples = []
        let images =
            samples.count == batchSize
            ? queues[index].images : queues[index].images.gathering(Array(samples.indices))
        let logits = try model.classifyResized(images, resolutionIndex: index)
        for (row, sample) in samples.enumerated() {
            setPrediction(sample, logits.image(row))
        }
    }

    private func setPrediction(_ sample: Int, _ logits: UnsafePointer<Float>) {
        let classes = model.classCount
        results[sample]!.labelRank = Logits.rank(of: results[sample]!.label, in: logits, count: classes)
        results[sample]!.predicted =
            Logits.argmax(
                Array(UnsafeBufferPointer(start: logits, count: classes)), columns: classes)[0]
    }

    private func runPredictor(_ batch: MicroBatch) throws {
        let columns = model.resolutions.count
        guard let logProbabilities = try timing(columns, batch, { try model.logProbabilities(batch.images) }) else { return }
        let choices = Router.choices(logProbabilities: logProbabilities, costs: model.flops.relativeCosts, costWeight: 0)
        for (row, sample) in batch.sampleIndices.enumerated() {
            results[sample]!.choice = choices[row]
            results[sample]!.logProbabilities = Array(logProbabilities[row * columns..<(row + 1) * columns])
        }
    }

    private func runFixed(_ index: Int, _ batch: MicroBatch) throws {
        let logits = try timing(index, batch) { try model.classify(batch.images, resolutionIndex: index) }
        let probabilities = Logits.softmax(logits.values, columns: model.classCount)
        let predictions = Logits.argmax(logits.values, columns: model.classCount)
        for (row, sample) in batch.sampleIndices.enumerated() {
            results[sample]!.fixedLabelRanks[index] = Logits.rank(
                of: Int(batch.labels[row]), in: logits.image(row), count: model.classCount)
            results[sample]!.fixedPredictions[index] = predictions[row]
            results[sample]!.topProbabilities[index] = probabilities[row * model.classCount + predictions[row]]
        }
    }

    /// All ranks' results in the order of the images, the sums of their speeds, and the times of all batches. Collective.
    private func gather() throws -> Outcome {
        let own = results.values.sorted { $0.sample < $1.sample }
        let all = try communicator.allGather(own, label: "evaluation results").flatMap { $0 }.sorted { $0.sample < $1.sample }
        func rate(_ seconds: Double) -> Double { seconds > 0 ? Double(own.count) / seconds : 0 }
        var rates = [rate(dynamicSeconds), rate(times.filter { $0.part == 0 }.reduce(0) { $0 + $1.seconds })]
        try communicator.allReduceSum(&rates, label: "evaluation speed")
        let allTimes = try communicator.allGather(times, label: "evaluation times").flatMap { $0 }
        return Outcome(
            results: all,
            speed: Evaluation.Speed(
                dynamic: ways.contains(.dynamic) ? rates[0] : nil, fixedLargest: ways.contains(.fixed) ? rates[1] : nil),
            milliseconds: BatchTime.milliseconds(allTimes, resolutionCount: model.resolutions.count))
    }

    /// Keeps how long a resolution, or the predictor, takes for a batch.
    private func timing<Result>(_ part: Int, _ batch: MicroBatch, _ body: () throws -> Result) rethrows -> Result {
        var seconds = 0.0
        defer {
            if !batch.sampleIndices.isEmpty { times.append(BatchTime(part: part, images: batch.sampleIndices.count, seconds: seconds)) }
        }
        return try measuring(&seconds, body)
    }

    private func measuring<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
        let start = DispatchTime.now().uptimeNanoseconds
        defer { seconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9 }
        return try body()
    }
}
