import Communication
import Foundation
import Interchange
import NeuralNetwork

/// A tensor that all ranks hold alike: parameters, running statistics, an average of them, or a moment of the optimiser.
struct ReplicaTensor {
    var name: String
    var values: UnsafeBufferPointer<Float>

    /// The parameters and running statistics of a network.
    ///
    /// - Parameter prefix: begins their names, such as "classifier.".
    static func tensors(of network: Network, prefix: String) -> [ReplicaTensor] {
        network.tensors.map {
            ReplicaTensor(name: prefix + $0.name, values: UnsafeBufferPointer(start: $0.values, count: $0.count))
        }
    }

    /// The moments of an optimiser and its numbers of updates.
    static func tensors(of optimizer: Optimizer) -> [ReplicaTensor] {
        zip(["classifier", "predictor"], optimizer.states).flatMap { name, state in
            let endings = optimizer.options.rule.moments.map { $0.isEmpty ? "'s momentum" : "'s \($0.dropFirst())" }
            let moments = zip(endings, state.moments).flatMap { ending, moment in
                state.network.arena.parameters.map {
                    ReplicaTensor(
                        name: "\(name).\($0.name)\(ending)",
                        values: UnsafeBufferPointer(start: moment.baseAddress! + $0.offset, count: $0.count))
                }
            }
            let updates = ReplicaTensor(name: "the number of updates of the \(name)", values: UnsafeBufferPointer(state.updates))
            return moments + (state.updates.isEmpty ? [] : [updates])
        }
    }

    fileprivate var checksum: UInt64 { UInt64(CRC32(UnsafeRawBufferPointer(values)).value) }
}

extension RankExchange {
    /// Compares checksums of the replicas, in one small collective. Collective.
    ///
    /// - Parameters:
    ///   - tensors: of this rank, in the same order on all ranks.
    ///   - step: finished steps of the run, for the error.
    ///   - values: numbers of this rank that travel with the checksum; equally many on all ranks.
    /// - Returns: `values` of all ranks, in rank order.
    /// - Throws: `ReplicaError` if the replicas differ. All ranks throw it.
    @discardableResult
    func checkReplicas(_ tensors: [ReplicaTensor], step: Int, gathering values: [UInt64] = []) throws -> [[UInt64]] {
        guard communicator.rankCount > 1 else { return [values] }
        let checksums = tensors.map(\.checksum)
        let digest = checksums.withUnsafeBytes { UInt64(CRC32($0).value) }
        let all = try clock.collective { try communicator.gatherFixed([digest] + values, label: "replica check") }
        guard all.contains(where: { $0[0] != all[0][0] }) else { return all.map { Array($0.dropFirst()) } }
        // All ranks find out together which tensors differ.
        let each = try communicator.gatherFixed(checksums, label: "checksums of all tensors")
        let hosts = try communicator.allGatherStrings(communicator.hostName, label: "hosts of the ranks")
        let groups = RankGroups(each, hosts: hosts)
        let different = tensors.indices.filter { index in each.contains { $0[index] != each[0][index] } }
        throw ReplicaError(step: step, tensors: different.map { tensors[$0].name }, groups: groups)
    }
}

/// The replicas of the ranks are not bit-identical.
struct ReplicaError: SharedFailure, CustomStringConvertible {
    var step: Int
    /// The names of those that differ.
    var tensors: [String]
    /// The ranks by the checksums of their tensors.
    var groups: RankGroups<[UInt64]>

    var description: String {
        let names = Figures.list(tensors, limit: 3)
        let others = groups.groups.indices.dropFirst()
        let places = others.map { groups.place($0) }.joined(separator: "; ")
        let who =
            groups.hasMajority
            ? "\(places) \(others.count > 1 || groups.groups[1].ranks.count > 1 ? "hold" : "holds") other values than \(groups.place(0))"
            : "\(groups.place(0)) and \(places) hold different values, and there is no majority that shows which are right"
        return
            "the replicas of the ranks differ after step \(step): \(who) (\(names)). All ranks began with the same program, configuration "
            + "and weights, so memory, a processor or a library of a host changed a value. Nothing was saved from these replicas: every "
            + "checkpoint was compared on all ranks before it was written. Continue from the newest one with --resume; if it happens "
            + "again, leave that host out"
    }
}
