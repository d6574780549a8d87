import Foundation

/// The ranks of a job, seen from one of them. All methods but the properties and `abort` are collective: every rank calls them in the
/// same order, with the same sizes. Not thread-safe; one thread of a rank communicates.
public protocol Communicator: AnyObject {
    var rank: Int { get }
    var rankCount: Int { get }
    var hostName: String { get }
    /// What the caller is doing, such as "step 12". Messages about failed and stuck collectives contain it; nothing else uses it.
    var context: String { get set }
    /// values ← their sums over the ranks, the same bits on every rank and in every run with as many ranks.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) throws
    /// values ← their sums over the ranks, the same bits on every rank and in every run with as many ranks.
    func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws
    /// Every rank's bytes ← those of `root`.
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) throws
    /// all ← every rank's bytes, in the order of the ranks; they have the same size.
    func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) throws
    func barrier(label: String) throws
    /// Leaves the job at its clean end.
    func finalize() throws
    /// Ends all ranks at once. Local.
    func abort(status: Int32) -> Never
}

extension Communicator {
    public func allReduceSum(_ values: inout [Double], label: String) throws {
        try values.withUnsafeMutableBufferPointer { try allReduceSum($0, label: label) }
    }

    public func allReduceSum(_ values: inout [Float], label: String) throws {
        try values.withUnsafeMutableBufferPointer { try allReduceSum($0, label: label) }
    }

    /// Every rank gets the data of `root`, whatever it passes itself.
    public func broadcast(_ data: Data, root: Int, label: String) throws -> Data {
        var count = Int64(data.count)
        try withUnsafeMutableBytes(of: &count) { try broadcast($0, root: root, label: label) }
        var result = rank == root ? data : Data(count: Int(count))
        if count > 0 { try result.withUnsafeMutableBytes { try broadcast($0, root: root, label: label) } }
        return result
    }

    /// Every rank's text, in the order of the ranks; lengths may differ.
    public func allGatherStrings(_ text: String, label: String) throws -> [String] {
        let own = Array(text.utf8)
        let lengths = try gather(Int64(own.count), label: label).map(Int.init)
        let width = max(lengths.max() ?? 0, 1)
        let padded = own + [UInt8](repeating: 0, count: width - own.count)
        var all = [UInt8](repeating: 0, count: width * rankCount)
        try padded.withUnsafeBytes { source in
            try all.withUnsafeMutableBytes { try allGather(source, into: $0, label: label) }
        }
        return lengths.enumerated().map { rank, length in
            String(decoding: all[rank * width..<rank * width + length], as: UTF8.self)
        }
    }

    private func gather(_ value: Int64, label: String) throws -> [Int64] {
        var all = [Int64](repeating: 0, count: rankCount)
        try withUnsafeBytes(of: value) { source in
            try all.withUnsafeMutableBytes { try allGather(source, into: $0, label: label) }
        }
        return all
    }
}

/// One process without MPI: every collective is the identity.
public final class SingleProcess: Communicator {
    public let rank = 0
    public let rankCount = 1
    public let hostName = ProcessInfo.processInfo.hostName
    public var context = ""

    public init() {}

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) {}
    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) {}
    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) {}
    public func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) {
        all.copyMemory(from: bytes)
    }
    public func barrier(label: String) {}
    public func finalize() {}
    public func abort(status: Int32) -> Never { exit(status) }
}
