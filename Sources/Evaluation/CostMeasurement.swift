import Configuration
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork
import Randomness

/// Measures the milliseconds of an image at each resolution, and of the decision, on this machine.
public struct CostMeasurement {
    private let model: FrozenDRNet
    private let images: Tensor
    private let batchSize: Int

    /// - Parameters:
    ///   - model: the values of its weights have no influence on the times.
    ///   - batchSize: images of a pass.
    ///   - context: the threads.
    public init(_ model: FrozenDRNet, batchSize: Int, context: KernelContext) {
        self.model = model
        self.batchSize = batchSize
        let side = model.resolutions[0]
        images = Tensor(Shape(batch: batchSize, height: side, width: side, channels: 3), context)
        var random = CounterRandom(seed: 0, purpose: .recommendation)
        for index in 0..<images.shape.count { images.data[index] = random.uniform(-2, 2) }
    }

    /// Rounds that are not measured: they prepare the weights and fill the caches.
    private static let warmUpRounds = 2
    private static let (fewestRounds, mostRounds) = (9, 200)

    /// The medians over rounds. In each round, every resolution and the decision run once, so that a change of the machine's speed affects
    /// all of them alike. Resizing is included; loading and decoding are not.
    ///
    /// - Parameters:
    ///   - seconds: the time after which no further round begins, once the fewest rounds are done.
    ///   - progress: receives the finished rounds.
    public func run(seconds: Double, progress: (Int) -> Void) throws -> ImageCosts {
        var times: [BatchTime] = []
        let start = Self.now()
        var rounds = 0
        while rounds < Self.mostRounds, rounds < Self.fewestRounds || Self.now() - start < seconds {
            let round = try self.round()
            rounds += 1
            if rounds > Self.warmUpRounds { times += round }
            progress(rounds)
        }
        guard
            let costs = BatchTime.milliseconds(
                times, resolutionCount: model.resolutions.count, isCascade: model.decider?.isCascade ?? false)
        else { preconditionFailure("every resolution was measured") }
        return costs
    }

    private func round() throws -> [BatchTime] {
        var times = try model.resolutions.indices.map { index in
            try timing(index) { _ = try model.classify(images, resolutionIndex: index) }
        }
        let last = model.resolutions.count - 1
        switch model.decider {
        case nil: break
        case .network: times.append(try timing(last + 1) { _ = try model.decide(images) })
        case .cascade(let head):
            // The costs of a cascade contain the pass at the smallest resolution already.
            let smallest = try model.forwardResized(model.resizing(images, toResolution: last), resolutionIndex: last)
            times.append(try timing(last + 1) { _ = try model.decide(smallest, head) })
        }
        return times
    }

    private func timing(_ part: Int, _ body: () throws -> Void) rethrows -> BatchTime {
        let start = Self.now()
        try body()
        return BatchTime(part: part, images: batchSize, seconds: Self.now() - start)
    }

    private static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }
}

extension CostTable {
    /// The table of a configuration.
    ///
    /// - Parameters:
    ///   - configuration: the networks that were measured.
    ///   - conditions: of the measurement.
    ///   - milliseconds: of an image.
    public init(_ configuration: TrainingConfiguration, _ conditions: Conditions, _ milliseconds: ImageCosts) {
        self.init(networks: configuration.costNetworks, conditions: conditions, milliseconds: milliseconds)
    }
}
