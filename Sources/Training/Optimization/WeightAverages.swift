import DynamicResolution
import Kernels
import NeuralNetwork

/// Exponential moving averages of the weights and running statistics of a model, one update a step. Evaluation and inference use them in
/// place of the weights.
///
/// Averaging begins anew with each stage: the averages of a finished stage become the weights of the next one (`handOver`). The number of
/// updates is part of `TrainingState`.
final class WeightAverages {
    /// The averages, as a network of their own.
    let model: DRNet
    private let source: DRNet
    private let decay: Double
    private let context: KernelContext

    /// The averages begin as a copy of the weights.
    ///
    /// - Parameters:
    ///   - source: the model in training.
    ///   - decay: the share of the earlier average in a new one.
    ///   - context: the kernels' threads.
    init(of source: DRNet, decay: Double, context: KernelContext) {
        self.source = source
        self.decay = decay
        self.context = context
        model = DRNet(copyForInference: source)
    }

    /// The share of the earlier average in the next update: min(decay, (1 + t) / (10 + t)) after t updates, as in TensorFlow's
    /// ExponentialMovingAverage with `num_updates`, and 0 for the first update. The averages of a short run thus forget its beginning.
    static func decay(_ decay: Double, after updates: Int) -> Double {
        updates == 0 ? 0 : min(decay, Double(1 + updates) / Double(10 + updates))
    }

    /// Moves the averages towards the weights.
    ///
    /// - Parameter updates: the number of earlier updates since the beginning of the stage.
    func update(after updates: Int) {
        let decay = Self.decay(decay, after: updates)
        guard decay > 0 else { return restart() }
        let weight = Float(1 - decay)
        for (average, network) in zip(model.networks, source.networks) {
            for (target, values) in zip(average.arena.vectors, network.arena.vectors) {
                Elementwise.move(target.baseAddress!, towards: values.baseAddress!, weight: weight, count: values.count, context)
            }
        }
    }

    /// averages ← weights.
    func restart() {
        for (average, network) in zip(model.networks, source.networks) { average.copyValues(from: network) }
    }

    /// weights ← averages.
    func handOver() {
        for (average, network) in zip(model.networks, source.networks) { network.copyValues(from: average) }
    }
}

extension ParameterArena {
    /// Everything that inference needs: parameters and running statistics.
    fileprivate var vectors: [UnsafeMutableBufferPointer<Float>] { [values, runningStatistics] }
}
