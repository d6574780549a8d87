import Communication
import Configuration

extension TrainingConfiguration {
    /// Refuses ranks whose configurations differ. The files that they come from can have different names. Collective.
    ///
    /// - Throws: `RankDifferences`, which names each key that differs, its values and the ranks. All ranks throw it.
    package func requireSame(on communicator: Communicator) throws {
        guard communicator.rankCount > 1 else { return }
        try communicator.requireSame(
            values.sorted { $0.key < $1.key }.map { RankFact($0.key, $0.value) }, subject: "the configuration",
            remedy: "Every rank needs a configuration with the same values", label: "configurations")
    }
}
