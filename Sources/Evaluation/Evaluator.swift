import Communication
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork

/// Evaluates a frozen DRNet on this rank's share of the images and gathers the results of all ranks.
///
/// The dynamic network collects images of the same chosen resolution until a batch is full. The classifier therefore runs once an image; in
/// a cascade, once more for the images whose first answer is not kept.
public final class Evaluator {
    private let model: FrozenDRNet
    private let communicator: Communicator
    private let modes: Modes
    private let costWeight: Double
    private var queues: [ResolutionQueue]
    private var images: ClassifiedImages
    private var dynamicSeconds = 0.0
    private var times: [BatchTime] = []

    /// The ways of using the network that an evaluation runs.
    public struct Modes: OptionSet, Sendable {
        public let rawValue: Int
        /// Every image at the resolution that the decider chooses.
        public static let dynamic = Modes(rawValue: 1)
        /// Every image at every resolution.
        public static let fixed = Modes(rawValue: 2)
        /// The decider's scores, and every image at every resolution. The result of any choice follows from these.
        public static let policy = Modes(rawValue: 4 | 2)

        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The results of all ranks.
    public struct Outcome {
        /// In the order of the images.
        public var results: [ImageResult]
        public var speed: Evaluation.Speed
        /// Of one image on one rank; nil if the fixed resolutions did not run.
        public var milliseconds: ImageCosts?

        /// The measured times. Every mode but `dynamic` alone measures them, unless there is no image.
        ///
        /// - Throws: `BudgetError.noImages` if they were not measured.
        public func requireMilliseconds() throws -> ImageCosts {
            guard let milliseconds else { throw BudgetError.noImages }
            return milliseconds
        }
    }

    /// - Parameters:
    ///   - batchSize: the largest number of images that one pass of the dynamic network classifies.
    ///   - costWeight: λ of the dynamic network.
    public init(
        model: FrozenDRNet, communicator: Communicator, batchSize: Int, modes: Modes, costWeight: Double = 0, context: KernelContext
    ) {
        self.model = model
        self.costWeight = costWeight
        self.communicator = communicator
        self.modes = modes
        queues = model.resolutions.map { ResolutionQueue(batchSize: batchSize, resolution: $0, context) }
        images = ClassifiedImages(resolutionCount: model.resolutions.count)
    }

    /// Evaluates all of this rank's batches. The end is collective: `nextBatch` must return nil on every rank at some point.
    public func run(_ nextBatch: () throws -> MicroBatch?) throws -> Outcome {
        try runBatches(nextBatch)
        return try gather()
    }

    private func runBatches(_ nextBatch: () throws -> MicroBatch?) throws {
        let parts = parts
        var batches = 0
        while let batch = try nextBatch() {
            let first = images.add(batch)
            // All parts run on each batch, so that a change of the machine's speed affects all of them alike. Their order rotates, because
            // the first part shares the cores with the loader, which starts to decode when a batch is taken.
            for index in parts.indices {
                try run(parts[(index + batches) % parts.count], batch, first)
                communicator.reportProgress()
            }
            batches += 1
        }
        try measuring(&dynamicSeconds) { try model.resolutions.indices.forEach(classifyQueue) }
    }

    /// A computation that is run and timed by itself.
    private enum Part {
        case fixed(Int)
        case decider
        case dynamic
    }

    private var parts: [Part] {
        (modes.contains(.fixed) ? model.resolutions.indices.map(Part.fixed) : []) + (modes.contains(.policy) ? [.decider] : [])
            + (modes.contains(.dynamic) ? [.dynamic] : [])
    }

    /// - Parameter first: position of the batch's first image among those of this rank.
    private func run(_ part: Part, _ batch: MicroBatch, _ first: Int) throws {
        switch part {
        case .fixed(let index): try runFixed(index, batch)
        case .decider: try runDecider(batch)
        case .dynamic: try measuring(&dynamicSeconds) { try runDynamic(batch, first) }
        }
    }

    /// Routes the images of a batch into the queues, and classifies each queue that becomes full.
    private func runDynamic(_ batch: MicroBatch, _ first: Int) throws {
        let decision = try model.decide(batch.images)
        let choices = decision.map { model.choices($0, costWeight: costWeight) } ?? batch.labels.map { _ in model.fixedIndex }
        let subBatches = Router.subBatches(choices: choices, resolutionCount: model.resolutions.count)
        for (index, rows) in subBatches.enumerated() where !rows.isEmpty {
            if index == subBatches.count - 1, let logits = decision?.smallest {
                images.routed += rows.map { routed(position: first + $0, index, logits.image($0), label: Int(batch.labels[$0])) }
                continue
            }
            let resized = model.resizing(batch.gathering(rows), toResolution: index)
            for (number, row) in rows.enumerated() {
                let entry = ResolutionQueue.Entry(position: first + row, label: Int(batch.labels[row]))
                queues[index].append(entry, pixels: resized.image(number))
                if queues[index].isFull { try classifyQueue(index) }
            }
        }
    }

    /// Classifies the images that wait at one resolution.
    private func classifyQueue(_ index: Int) throws {
        guard !queues[index].entries.isEmpty else { return }
        let (waiting, entries) = queues[index].takeAll()
        let logits = try model.classifyResized(waiting, resolutionIndex: index)
        images.routed += entries.enumerated().map { row, entry in
            routed(position: entry.position, index, logits.image(row), label: entry.label)
        }
    }

    private func routed(
        position: Int, _ choice: Int, _ logits: UnsafePointer<Float>, label: Int
    ) -> ClassifiedImages.RoutedAnswer {
        ClassifiedImages.RoutedAnswer(
            position: position, choice: choice, answer: ClassAnswer(logits, label: label, classCount: model.classCount))
    }

    private func runDecider(_ batch: MicroBatch) throws {
        let columns = model.resolutions.count
        guard let decision = try timedDecision(batch) else { return }
        let choices = model.choices(decision, costWeight: costWeight)
        images.policy += batch.sampleIndices.indices.map { row in
            ClassifiedImages.PolicyAnswer(
                choice: choices[row], scores: Array(decision.scores[row * columns..<(row + 1) * columns]))
        }
    }

    /// Times the decider's own network only: the costs of a cascade contain the pass at the smallest resolution already.
    private func timedDecision(_ batch: MicroBatch) throws -> FrozenDRNet.Decision? {
        let columns = model.resolutions.count
        guard case .cascade(let head) = model.decider else { return try timing(columns, batch) { try model.decide(batch.images) } }
        let resized = model.resizing(batch.images, toResolution: columns - 1)
        let smallest = try model.forwardResized(resized, resolutionIndex: columns - 1)
        return try timing(columns, batch) { try model.decide(smallest, head) }
    }

    private func runFixed(_ index: Int, _ batch: MicroBatch) throws {
        let logits = try timing(index, batch) { try model.classify(batch.images, resolutionIndex: index) }
        let classCount = model.classCount
        let probabilities = Logits.softmax(logits.values, columns: classCount)
        let doubts = index == model.resolutions.count - 1 ? CascadeEvidence.doubts(logits) : nil
        images.fixed[index] += batch.sampleIndices.indices.map { row in
            let answer = ClassAnswer(logits.image(row), label: Int(batch.labels[row]), classCount: classCount)
            return ClassifiedImages.FixedAnswer(
                answer: answer, topProbability: probabilities[row * classCount + answer.predicted], doubt: doubts?[row])
        }
    }

    /// Gathers the results of all ranks in the order of the images, the sums of their speeds, and the times of all batches. Collective.
    private func gather() throws -> Outcome {
        let own = images.results()
        let all = try communicator.allGather(own, label: "evaluation results").flatMap { $0 }.sorted { $0.sample < $1.sample }
        func rate(_ seconds: Double) -> Double { seconds > 0 ? Double(own.count) / seconds : 0 }
        var rates = [rate(dynamicSeconds), rate(times.filter { $0.part == 0 }.reduce(0) { $0 + $1.seconds })]
        try communicator.allReduceSum(&rates, label: "evaluation speed")
        let allTimes = try communicator.allGather(times, label: "evaluation times").flatMap { $0 }
        return Outcome(
            results: all,
            speed: Evaluation.Speed(
                dynamic: modes.contains(.dynamic) ? rates[0] : nil, fixedLargest: modes.contains(.fixed) ? rates[1] : nil),
            milliseconds: BatchTime.milliseconds(
                allTimes, resolutionCount: model.resolutions.count, isCascade: model.decider?.isCascade ?? false))
    }

    /// Records how long a resolution, or the decider's own network, takes for a batch.
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
