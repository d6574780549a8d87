import NeuralNetwork

/// Moves images and results between the ranks. The step does not depend on MPI: the caller supplies the implementation.
public protocol ImageExchange: AnyObject {
    /// The index of this rank, 0 ..< `rankCount`.
    var rank: Int { get }
    /// The number of ranks.
    var rankCount: Int { get }
    /// The numbers of all ranks, in rank order. Every rank passes equally many. Collective.
    func allGather(_ values: [Int32], label: String) throws -> [[Int32]]
    /// Sends a part of `values` to each rank, and receives a part from each. Parts are in rank order, without gaps. Collective.
    ///
    /// - Parameters:
    ///   - values: the parts to send.
    ///   - counts: the length of the part for each rank.
    ///   - received: overwritten with the received parts.
    ///   - receivedCounts: the length of the part from each rank.
    ///   - label: what is transferred.
    func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String) throws
}
