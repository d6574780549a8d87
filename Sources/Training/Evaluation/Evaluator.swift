import Communication
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork

/// Evaluates a DRNet on this rank's share of the images, and puts the results of all ranks together.
///
/// The dynamic network groups images by the predicted resolution, so that the classifier runs once an image, on full batches.
public final class Evaluator {
    private let model: DRNet
    private let communicator: Communicator
    private let batchSize: Int
    private let ways: Ways
    private var queues: [Queue]
    private var results: [Int: ImageResult] = [:]
    private var dynamicSeconds = 0.0
    private var fixedSeconds = 0.0

    /// Which ways of using the network are run.
    public struct Ways: OptionSet, Sendable {
        public let rawValue: Int
        /// The resolution that the predictor picks.
        public static let dynamic = Ways(rawValue: 1)
        /// Every image at every resolution.
        public static let fixed = Ways(rawValue: 2)

        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// Images of one predicted resolution, resized, that wait for a full batch.
    private struct Queue {
        var images: Tensor
        var samples: [Int] = []
    }

    public init(model: DRNet, communicator: Communicator, batchSize: Int, ways: Ways) {
        self.model = model
        self.communicator = communicator
        self.batchSize = batchSize
        self.ways = ways
        queues = model.resolutions.map {
            Queue(images: Tensor(Shape(batch: batchSize, height: $0, width: $0, channels: 3)))
        }
    }

    /// Evaluates all of this rank's batches. Collective at its end: `nextBatch` returns nil on every rank sooner or later.
    public func run(_ nextBatch: () throws -> MicroBatch?) throws -> (results: [ImageResult], speed: Evaluation.Speed) {
        try model.whileFrozen { try runBatches(nextBatch) }
        return try gather()
    }

    private func runBatches(_ nextBatch: () throws -> MicroBatch?) throws {
        while let batch = try nextBatch() {
            // Alternating the two batch by batch keeps the comparison fair when the machine's speed drifts.
            if ways.contains(.fixed) { try runFixed(batch) }
            if ways.contains(.dynamic) { try measuring(&dynamicSeconds) { try runDynamic(batch) } }
        }
        try measuring(&dynamicSeconds) { try model.resolutions.indices.forEach(flush) }
    }

    private func runDynamic(_ batch: MicroBatch) throws {
        let choices = try model.route(batch.images)
        for (row, sample) in batch.sampleIndices.enumerated() {
            var result = results[sample] ?? ImageResult(
                sample: sample, label: Int(batch.labels[row]), choice: 0, predicted: 0, labelRank: 0, fixedLabelRanks: [])
            result.choice = choices[row]
            results[sample] = result
        }
        let subBatches = Router.subBatches(choices: choices, resolutionCount: model.resolutions.count)
        for (index, rows) in subBatches.enumerated() where !rows.isEmpty {
            let resized = model.resizing(batch.images.gathering(rows), toResolution: index)
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
        let images = samples.count == batchSize
            ? queues[index].images : queues[index].images.gathering(Array(samples.indices))
        let logits = try model.classifyResized(images, resolutionIndex: index)
        for (row, sample) in samples.enumerated() {
            setPrediction(sample, logits.image(row))
        }
    }

    private func setPrediction(_ sample: Int, _ logits: UnsafePointer<Float>) {
        let classes = model.classCount
        results[sample]!.labelRank = Ranking.rank(of: results[sample]!.label, in: logits, count: classes)
        results[sample]!.predicted = GumbelSoftmax.argmax(
            Array(UnsafeBufferPointer(start: logits, count: classes)), columns: classes)[0]
    }

    private func runFixed(_ batch: MicroBatch) throws {
        for (row, sample) in batch.sampleIndices.enumerated() {
            results[sample] = ImageResult(
                sample: sample, label: Int(batch.labels[row]), choice: 0, predicted: 0, labelRank: 0, fixedLabelRanks: [])
        }
        for index in model.resolutions.indices {
            var seconds = 0.0
            let logits = try measuring(&seconds) { try model.classify(batch.images, resolutionIndex: index) }
            if index == 0 { fixedSeconds += seconds }
            for (row, sample) in batch.sampleIndices.enumerated() {
                if index == 0 { setPrediction(sample, logits.image(row)) }
                results[sample]!.fixedLabelRanks.append(
                    Ranking.rank(of: Int(batch.labels[row]), in: logits.image(row), count: model.classCount))
            }
        }
    }

    /// All ranks' results in the order of the images, and the sums of their speeds. Collective.
    private func gather() throws -> (results: [ImageResult], speed: Evaluation.Speed) {
        let own = results.values.sorted { $0.sample < $1.sample }
        let all = try communicator.allGatherStrings(ImageResult.encode(own), label: "evaluation results")
            .flatMap(ImageResult.decode).sorted { $0.sample < $1.sample }
        func rate(_ seconds: Double) -> Double { seconds > 0 ? Double(own.count) / seconds : 0 }
        var rates = [rate(dynamicSeconds), rate(fixedSeconds)]
        try communicator.allReduceSum(&rates, label: "evaluation speed")
        return (all, Evaluation.Speed(dynamic: rates[0], fixedLargest: ways.contains(.fixed) ? rates[1] : nil))
    }

    private func measuring<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
        let start = DispatchTime.now().uptimeNanoseconds
        defer { seconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9 }
        return try body()
    }
}
