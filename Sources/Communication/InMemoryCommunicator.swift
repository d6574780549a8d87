import Foundation

/// A communicator between threads of one process, for tests. Each thread is a rank. It keeps the same contract as `MPICommunicator`.
public final class InMemoryCommunicator: Communicator {
    public let rank: Int
    public let rankCount: Int
    public let hostName = "memory"
    public var context = ""
    public var phase = RankPhase.starting
    public var timeoutSeconds = 0.0
    public var saveTimeoutSeconds = 0.0
    public private(set) var sumsInBackground = false
    private var format = TransferFormat.float32
    private var begun: [UnsafeMutableBufferPointer<Float>] = []
    private let meeting: Meeting

    /// Runs `body` on one thread for each rank, and waits for all of them.
    ///
    /// - Throws: the error of the lowest rank that failed by itself, not because another rank had ended.
    public static func run(rankCount: Int, _ body: @escaping (Communicator) throws -> Void) throws {
        let meeting = Meeting(rankCount: rankCount)
        let group = DispatchGroup()
        // Several threads run `body` at the same time, like the ranks of a job. The caller must protect whatever `body` shares between
        // ranks.
        nonisolated(unsafe) let body = body
        for rank in 0..<rankCount {
            group.enter()
            let thread = Thread {
                do {
                    try body(InMemoryCommunicator(rank: rank, meeting: meeting))
                } catch {
                    meeting.record(error, of: rank)
                }
                meeting.leave()
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        group.wait()
        if let error = meeting.firstError { throw error }
    }

    private init(rank: Int, meeting: Meeting) {
        self.rank = rank
        self.meeting = meeting
        rankCount = meeting.rankCount
    }

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) throws {
        try sum(values, label)
    }

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try sum(values, label)
    }

    private func sum<Value: FloatingPoint>(_ values: UnsafeMutableBufferPointer<Value>, _ label: String) throws {
        let all = try exchange(UnsafeRawBufferPointer(values), label)
        for index in values.indices {
            var sum = Value.zero
            for bytes in all {
                sum += bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * MemoryLayout<Value>.stride, as: Value.self) }
            }
            values[index] = sum
        }
    }

    public func allReduceMin(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        let all = try exchange(UnsafeRawBufferPointer(values), label)
        for index in values.indices {
            for bytes in all {
                let offset = index * MemoryLayout<Double>.stride
                values[index] = min(values[index], bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Double.self) })
            }
        }
    }

    public func prepareSums(_ algorithm: SumAlgorithm, format: TransferFormat) {
        sumsInBackground = algorithm != .library && rankCount > 1
        self.format = format
    }

    public func beginSum(_ values: UnsafeMutableBufferPointer<Float>) { begun.append(values) }

    /// Computes the sums here: the threads of the ranks cannot meet while one of them computes.
    public func finishSums(label: String) throws {
        for values in begun {
            if format == .bfloat16 { round(values) }
            try sum(values, label)
            if format == .bfloat16 { round(values) }
        }
        begun = []
    }

    private func round(_ values: UnsafeMutableBufferPointer<Float>) {
        for index in values.indices { values[index] = BFloat16.float(BFloat16.rounded(values[index])) }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) throws {
        bytes.copyBytes(from: try exchange(UnsafeRawBufferPointer(bytes), label)[root])
    }

    public func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) throws {
        all.copyBytes(from: try exchange(bytes, label).flatMap { $0 })
    }

    public func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String
    ) throws {
        PartLayout.check(values.count, counts, received.count, receivedCounts, ranks: rankCount, label)
        // Each rank's counts come before its values, so that the receivers find their parts.
        let counts = counts.map(Int64.init)
        let head = counts.withUnsafeBytes { Array($0) }
        let message = head + Array(UnsafeRawBufferPointer(values))
        let all = try message.withUnsafeBytes { try exchange($0, label) }
        var start = 0
        for (sender, bytes) in all.enumerated() {
            let sent = bytes.withUnsafeBytes { bytes in
                (0..<rankCount).map { Int(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Int64>.stride, as: Int64.self)) }
            }
            precondition(
                sent[rank] == receivedCounts[sender],
                "\(label): rank \(sender) sends \(sent[rank]) values, and rank \(rank) receives \(receivedCounts[sender])")
            let offset = head.count + sent[..<rank].reduce(0, +) * MemoryLayout<Float>.stride
            let part = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: received[start..<start + sent[rank]]))
            part.copyBytes(from: bytes[offset..<offset + part.count])
            start += sent[rank]
        }
    }

    public func barrier(label: String) throws {
        _ = try exchange(UnsafeRawBufferPointer(start: nil, count: 0), label)
    }

    public func reportProgress() {}

    public func finalize() {}

    public func abort(status: Int32) -> Never { fatalError("rank \(rank) aborted with status \(status)") }

    private func exchange(_ bytes: UnsafeRawBufferPointer, _ label: String) throws -> [[UInt8]] {
        guard let all = meeting.exchange(rank, Array(bytes), label) else {
            throw CommunicationError.ranksGone(rank: rank, label: label)
        }
        return all
    }
}

/// The rendezvous of the threads. Each thread contributes its bytes and receives the bytes of all threads.
private final class Meeting: @unchecked Sendable {
    let rankCount: Int
    private let condition = NSCondition()
    private var present: [Int: [UInt8]] = [:]
    private var label = ""
    private var result: [[UInt8]] = []
    private var round = 0
    private var gone = 0
    private var errors: [Int: Error] = [:]

    init(rankCount: Int) {
        self.rankCount = rankCount
    }

    /// Returns the bytes of all ranks, in rank order; nil if a rank has left, so that the others do not wait for it.
    func exchange(_ rank: Int, _ bytes: [UInt8], _ label: String) -> [[UInt8]]? {
        condition.lock()
        defer { condition.unlock() }
        if gone > 0 { return nil }
        precondition(present.isEmpty || self.label == label, "ranks disagree: \(label) and \(self.label)")
        self.label = label
        present[rank] = bytes
        let own = round
        if present.count == rankCount {
            result = (0..<rankCount).map { present[$0]! }
            present = [:]
            round += 1
            condition.broadcast()
        }
        while round == own && gone == 0 { condition.wait() }
        return round == own ? nil : result
    }

    func record(_ error: Error, of rank: Int) {
        condition.lock()
        errors[rank] = error
        condition.unlock()
    }

    /// The error of the lowest rank. `ranksGone` counts only if no rank has another error. Read it after all ranks have left.
    var firstError: Error? {
        let own = errors.filter { if case CommunicationError.ranksGone = $0.value { return false } else { return true } }
        return (own.isEmpty ? errors : own).min { $0.key < $1.key }?.value
    }

    func leave() {
        condition.lock()
        gone += 1
        condition.broadcast()
        condition.unlock()
    }
}
