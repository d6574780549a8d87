import DynamicResolution

/// The moving averages of the weights in a run.
extension Trainer {
    /// The network that evaluations use: the averages of the weights, or the weights where no averages are configured.
    var evaluatedModel: DRNet { averages?.model ?? model }

    /// Updates the averages after a step.
    func updateAverages() {
        guard let averages else { return }
        let updates = state.averageUpdates ?? 0
        averages.update(after: updates)
        state.averageUpdates = updates + 1
    }

    /// Makes the averages of a finished stage the weights, with which the next stage begins.
    func handAveragesOver() {
        guard let averages else { return }
        averages.handOver()
        state.averageUpdates = 0
    }
}
