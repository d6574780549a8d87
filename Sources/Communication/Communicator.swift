import Foundation

/// How large sums over the ranks are computed.
public enum SumAlgorithm: Sendable {
    /// By the MPI library, with MPI_Allreduce, while the rank waits.
    case library
    /// In the background, along a ring of all ranks.
    case ring
    /// In the background, first between the ranks of a host, then between the hosts; along one ring where the hosts have different numbers
    /// of ranks.
    case hosts
}

/// The connection of one rank to all ranks of its job.
///
/// All methods except `abort` and `reportProgress` are collective: every rank must call them in the same order and with the same sizes. The
/// properties are local. A communicator is not thread-safe: only one thread of a rank uses it. A `label` says what a collective transfers,
/// for messages.
public protocol Communicator: AnyObject {
    /// The index of this rank, 0 ..< `rankCount`.
    var rank: Int { get }
    /// The number of ranks in the job.
    var rankCount: Int { get }
    /// The name of the host that this rank runs on.
    var hostName: String { get }
    /// Where the caller is, such as "step 12", which is the twelfth step of the run. Only messages about failed and stuck collectives use
    /// it.
    var context: String { get set }
    /// What this rank does outside of collectives.
    var phase: RankPhase { get set }
    /// The job ends if a rank that others wait for makes no progress for longer. 0 waits without a limit. Each rank sets it for itself.
    /// Only real ranks have such a limit.
    var timeoutSeconds: Double { get set }
    /// The same for a rank that saves a checkpoint.
    var saveTimeoutSeconds: Double { get set }
    /// Tells the other ranks that this one makes progress in a long phase. Every collective is such a sign, too. Local.
    func reportProgress()
    /// Replaces `values` with their sums over all ranks. The bits are the same on every rank, and in every run with the same number of
    /// ranks.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) throws
    /// Replaces `values` with their sums over all ranks. The bits are the same on every rank, and in every run with the same number of
    /// ranks.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws
    /// Replaces `values` with their minima over all ranks.
    func allReduceMin(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws
    /// Whether `beginSum` can be used: sums then proceed while the rank computes. False before `prepareSums`, and on one rank.
    var sumsInBackground: Bool { get }
    /// Prepares `beginSum`, if the algorithm and the MPI library permit it on all ranks.
    ///
    /// - Parameters:
    ///   - algorithm: how the sums are computed.
    ///   - format: the numbers of messages between hosts, or along the only ring.
    func prepareSums(_ algorithm: SumAlgorithm, format: TransferFormat) throws
    /// Begins to replace `values` with their sums over all ranks, and returns at once. The memory must not be used until `finishSums`
    /// returns.
    ///
    /// All ranks begin the same sums in the same order. The order between these sums and other collectives can differ from rank to rank.
    /// The bits are the same on every rank, and in every run with the same ranks on the same hosts.
    func beginSum(_ values: UnsafeMutableBufferPointer<Float>)
    /// Waits until all sums that have begun are complete.
    func finishSums(label: String) throws
    /// Copies the bytes of rank `root` to every rank.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) throws
    /// Concatenates the bytes of all ranks into `all`, in rank order. Every rank passes the same number of bytes.
    func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) throws
    /// Sends a part of `values` to each rank, and receives a part from each. Parts are in rank order, without gaps between them. What rank
    /// a sends to rank b must be as long as what rank b receives from rank a.
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
    /// Waits until every rank has called this method.
    func barrier(label: String) throws
    /// Leaves the job after all work is done. No other method can be called afterwards.
    func finalize() throws
    /// Ends all ranks immediately. Local: one rank can call it alone.
    func abort(status: Int32) -> Never
}

extension Communicator {
    /// Prepares `beginSum` for sums whose numbers travel as they are. Collective.
    public func prepareSums(_ algorithm: SumAlgorithm) throws { try prepareSums(algorithm, format: .float32) }

    /// Replaces an array's values with their minima over all ranks. Collective.
    public func allReduceMin(_ values: inout [Double], label: String) throws {
        try values.withUnsafeMutableBufferPointer { try allReduceMin($0, label: label) }
    }

    /// Replaces an array's values with their sums over all ranks. Collective.
    public func allReduceSum(_ values: inout [Double], label: String) throws {
        try values.withUnsafeMutableBufferPointer { try allReduceSum($0, label: label) }
    }

    /// Replaces an array's values with their sums over all ranks. Collective.
    public func allReduceSum(_ values: inout [Float], label: String) throws {
        try values.withUnsafeMutableBufferPointer { try allReduceSum($0, label: label) }
    }

    /// Returns the data of rank `root` on every rank. The data that other ranks pass is ignored and can have another size. Collective.
    public func broadcast(_ data: Data, root: Int, label: String) throws -> Data {
        var count = Int64(data.count)
        try withUnsafeMutableBytes(of: &count) { try broadcast($0, root: root, label: label) }
        var result = rank == root ? data : Data(count: Int(count))
        if count > 0 { try result.withUnsafeMutableBytes { try broadcast($0, root: root, label: label) } }
        return result
    }

    /// Returns the texts of all ranks, in rank order. Their lengths can differ. Collective.
    public func allGatherStrings(_ text: String, label: String) throws -> [String] {
        let own = Array(text.utf8)
        let lengths = try gatherFixed([own.count], label: label).map { $0[0] }
        let width = max(lengths.max() ?? 0, 1)
        let padded = own + [UInt8](repeating: 0, count: width - own.count)
        return zip(try gatherFixed(padded, label: label), lengths).map { String(decoding: $0.prefix($1), as: UTF8.self) }
    }

    /// Returns the values of all ranks, in rank order. Every rank passes the same number of values. Collective.
    ///
    /// - Parameters:
    ///   - values: of this rank.
    ///   - label: for messages about stuck collectives.
    public func gatherFixed<Value: BitwiseCopyable>(_ values: [Value], label: String) throws -> [[Value]] {
        guard let first = values.first else { return [[Value]](repeating: [], count: rankCount) }
        var all = [Value](repeating: first, count: values.count * rankCount)
        try values.withUnsafeBytes { source in
            try all.withUnsafeMutableBytes { try allGather(source, into: $0, label: label) }
        }
        return (0..<rankCount).map { Array(all[$0 * values.count..<($0 + 1) * values.count]) }
    }
}

/// The parts of a buffer that an all-to-all sends to the ranks or receives from them.
enum PartLayout {
    /// The offset of each part.
    static func offsets(_ counts: [Int]) -> [Int] {
        var next = 0
        return counts.map { count in
            defer { next += count }
            return next
        }
    }

    /// Stops a program whose buffers and counts do not fit together.
    static func check(_ values: Int, _ counts: [Int], _ received: Int, _ receivedCounts: [Int], ranks: Int, _ label: String) {
        precondition(counts.count == ranks && receivedCounts.count == ranks, "\(label): one count for each of \(ranks) ranks")
        precondition((counts + receivedCounts).allSatisfy { $0 >= 0 }, "\(label): a count is negative")
        precondition(counts.reduce(0, +) == values, "\(label): \(values) values for the counts \(counts)")
        precondition(receivedCounts.reduce(0, +) == received, "\(label): \(received) values for the counts \(receivedCounts)")
    }
}

/// A job of one process, without MPI. Every collective is the identity.
public final class SingleProcess: Communicator {
    public let rank = 0
    public let rankCount = 1
    public let hostName = ProcessInfo.processInfo.hostName
    public var context = "" {
        didSet { CrashRecord.setPlace(context: context, phase: phase) }
    }
    public var phase = RankPhase.starting {
        didSet { CrashRecord.setPlace(context: context, phase: phase) }
    }
    public var timeoutSeconds = 0.0
    public var saveTimeoutSeconds = 0.0

    /// Creates a job of this process alone.
    public init() {}

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) {}
    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) {}
    public func allReduceMin(_ values: UnsafeMutableBufferPointer<Double>, label: String) {}
    public var sumsInBackground: Bool { false }
    public func prepareSums(_ algorithm: SumAlgorithm, format: TransferFormat) {}
    public func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {}
    public func finishSums(label: String) {}
    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) {}
    public func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) {
        all.copyMemory(from: bytes)
    }
    public func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String
    ) {
        PartLayout.check(values.count, counts, received.count, receivedCounts, ranks: 1, label)
        _ = received.update(fromContentsOf: values)
    }
    public func barrier(label: String) {}
    public func reportProgress() {}
    public func finalize() {}
    public func abort(status: Int32) -> Never { exit(status) }
}
