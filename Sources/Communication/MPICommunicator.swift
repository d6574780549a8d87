import COpenMPI
import Foundation

/// A communicator for the ranks that mpirun started.
///
/// Open MPI's all-reduce algorithms add the same operands in the same tree for every rank. The tree depends only on the size and the number
/// of ranks. Therefore, sums have the same bits on all ranks and in every run.
public final class MPICommunicator: Communicator {
    public let rank: Int
    public let rankCount: Int
    public let hostName: String
    public var context = "" {
        didSet {
            watchdog.context = context
            CrashRecord.setPlace(context: context, phase: phase)
        }
    }
    public var phase = RankPhase.starting {
        didSet {
            watchdog.phase = phase
            CrashRecord.setPlace(context: context, phase: phase)
        }
    }
    public var timeoutSeconds: Double {
        get { watchdog.timeoutSeconds }
        set { watchdog.timeoutSeconds = newValue }
    }
    public var saveTimeoutSeconds: Double {
        get { watchdog.saveTimeoutSeconds }
        set { watchdog.saveTimeoutSeconds = newValue }
    }
    private let watchdog: Watchdog
    /// Seconds of MPI_Finalize; 0 for no limit.
    private let startSeconds: Double
    /// Whether MPI permits calls of several threads at the same time.
    private let allowsConcurrentCalls: Bool
    private var background: BackgroundSums?

    /// The largest number of elements in one MPI call. MPI's counts have 32 bits, and a huge message would double MPI's own buffers.
    private static let chunk = 1 << 26

    /// How many threads of a rank can be inside MPI.
    package enum ThreadSupport: Sendable {
        /// One at a time.
        case serialized
        /// Any number at the same time.
        case multiple

        var level: Int32 { self == .multiple ? drnet_mpi_thread_multiple() : drnet_mpi_thread_serialized() }
    }

    /// Initialises MPI. A process can do this only once. The job ends if it takes longer than `DRNET_START_TIMEOUT` seconds, 120 by
    /// default.
    ///
    /// - Parameter timeoutSeconds: the job ends if a rank that others wait for makes no progress for longer. 0 disables the timeout.
    public convenience init(timeoutSeconds: Double) throws {
        try self.init(timeoutSeconds: timeoutSeconds, threadSupport: .multiple)
    }

    /// - Parameter threadSupport: the level to request. A library can provide less than `multiple`; it must provide `serialized`.
    package init(timeoutSeconds: Double, threadSupport: ThreadSupport) throws {
        var provided: Int32 = 0
        let host = ProcessInfo.processInfo.hostName
        hostName = host
        startSeconds = try StartWatch.limit(ProcessInfo.processInfo.environment)
        let start = StartWatch("MPI_Init_thread", limit: startSeconds, hostName: host)
        defer { start.end() }
        var (own, count) = (Int32(0), Int32(0))
        for (call, code) in [
            ("MPI_Init_thread", drnet_mpi_init(threadSupport.level, &provided)), ("MPI_Comm_rank", drnet_mpi_rank(&own)),
            ("MPI_Comm_size", drnet_mpi_size(&count)),
        ] where code != 0 {
            throw CommunicationError.failed(
                call: call, label: "start", rank: -1, host: host, context: "", reason: Self.reason(code))
        }
        guard provided >= drnet_mpi_thread_serialized() else {
            throw CommunicationError.missingThreadSupport(provided: Int(provided))
        }
        rank = Int(own)
        rankCount = Int(count)
        let allowsConcurrentCalls = min(provided, threadSupport.level) >= drnet_mpi_thread_multiple()
        self.allowsConcurrentCalls = allowsConcurrentCalls
        watchdog = Watchdog(rank: rank, rankCount: rankCount, hostName: host, timeoutSeconds: timeoutSeconds) {
            JobEnd.now(allowsMPICalls: allowsConcurrentCalls)
        }
        guard rankCount > 1 else { return }
        try startWatchdog()
    }

    /// Exchanges the addresses of the side channel, and starts the watchdog. Collective.
    private func startWatchdog() throws {
        let channel = SideChannel(hostName: hostName)
        let own = (channel?.endpoint).flatMap { try? JSONEncoder().encode($0) } ?? Data()
        let label = "addresses for heartbeats"
        let texts = try allGatherStrings(String(decoding: own, as: UTF8.self), label: label)
        let endpoints = texts.map { try? JSONDecoder().decode(SideChannel.Endpoint.self, from: Data($0.utf8)) }
        let hosts = try allGatherStrings(hostName, label: label)
        channel?.connect(rank: rank, endpoints)
        watchdog.start(channel, hosts: hosts)
    }

    public func reportProgress() { watchdog.reportProgress() }

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Float>, label: String) throws {
        try forEachChunk(values.count) { start, count in
            try checked("MPI_Allreduce", label) { drnet_mpi_allreduce_float(values.baseAddress! + start, count) }
        }
    }

    public func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try forEachChunk(values.count) { start, count in
            try checked("MPI_Allreduce", label) { drnet_mpi_allreduce_double(values.baseAddress! + start, count) }
        }
    }

    public func allReduceMin(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
        try forEachChunk(values.count) { start, count in
            try checked("MPI_Allreduce", label) { drnet_mpi_allreduce_min_double(values.baseAddress! + start, count) }
        }
    }

    public var sumsInBackground: Bool { background != nil }

    public func prepareSums(_ algorithm: SumAlgorithm, format: TransferFormat) throws {
        guard rankCount > 1, algorithm != .library, background == nil else { return }
        let all = try allGatherStrings("\(allowsConcurrentCalls ? 1 : 0)\(hostName)", label: "preparation of sums")
        guard all.allSatisfy({ $0.first == "1" }) else { return }
        let hosts = all.map { name in all.firstIndex(of: name) ?? 0 }
        try checkedSums("preparation of sums") {
            do {
                background = try BackgroundSums(rank: rank, hosts: hosts, usesHosts: algorithm == .hosts, format: format)
                return nil
            } catch { return error as? BackgroundSums.Failure }
        }
    }

    public func beginSum(_ values: UnsafeMutableBufferPointer<Float>) {
        guard let background else { preconditionFailure("beginSum without prepareSums") }
        for start in stride(from: 0, to: values.count, by: Self.chunk) {
            background.begin(UnsafeMutableBufferPointer(rebasing: values[start..<min(start + Self.chunk, values.count)]))
        }
    }

    public func finishSums(label: String) throws {
        try checkedSums(label) { background?.finish() }
    }

    /// Waits for the thread of the background sums, under the watchdog, and turns its failure into a thrown error.
    private func checkedSums(_ label: String, _ body: () -> BackgroundSums.Failure?) throws {
        var failure: BackgroundSums.Failure?
        try checked("MPI_Isend and MPI_Irecv", label) {
            failure = body()
            return 0
        }
        if let failure { try checked(failure.call, label) { failure.code } }
    }

    public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int, label: String) throws {
        try forEachChunk(bytes.count) { start, count in
            try checked("MPI_Bcast", label) { drnet_mpi_broadcast_bytes(bytes.baseAddress! + start, count, Int32(root)) }
        }
    }

    public func allGather(_ bytes: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer, label: String) throws {
        precondition(all.count == bytes.count * rankCount, "\(label): \(all.count) bytes for \(rankCount) × \(bytes.count)")
        guard bytes.count > 0 else { return }
        try checked("MPI_Allgather", label) {
            drnet_mpi_allgather_bytes(bytes.baseAddress!, Int32(bytes.count), all.baseAddress!)
        }
    }

    public func allToAll(
        _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>, counts receivedCounts: [Int],
        label: String
    ) throws {
        PartLayout.check(values.count, counts, received.count, receivedCounts, ranks: rankCount, label)
        let largest = max(values.count, received.count)
        guard largest <= Int(Int32.max) else {
            throw CommunicationError.tooLarge(label: label, rank: rank, host: hostName, count: largest)
        }
        func numbers(_ values: [Int]) -> [Int32] { values.map { Int32($0) } }
        let (sent, sentOffsets) = (numbers(counts), numbers(PartLayout.offsets(counts)))
        let (taken, takenOffsets) = (numbers(receivedCounts), numbers(PartLayout.offsets(receivedCounts)))
        try checked("MPI_Alltoallv", label) {
            drnet_mpi_alltoallv_float(values.baseAddress, sent, sentOffsets, received.baseAddress, taken, takenOffsets)
        }
    }

    public func barrier(label: String) throws {
        try checked("MPI_Barrier", label) { drnet_mpi_barrier() }
    }

    public func finalize() throws {
        phase = .finishing
        // A rank alone has no watchdog, but it waits for its launcher.
        let watch = rankCount == 1 ? StartWatch("MPI_Finalize", limit: startSeconds, hostName: hostName) : nil
        defer { watch?.end() }
        // All ranks have finished their work, so that no rank has a reason to be late.
        if let background { try checked("MPI_Comm_free", "end of the job", limit: startSeconds) { background.end() } }
        background = nil
        try checked("MPI_Finalize", "end of the job", limit: startSeconds) { drnet_mpi_finalize() }
        watchdog.stop()
    }

    public func abort(status: Int32) -> Never { JobEnd.now(allowsMPICalls: true, status: status) }

    private func forEachChunk(_ count: Int, _ body: (Int, Int32) throws -> Void) rethrows {
        for start in stride(from: 0, to: count, by: Self.chunk) {
            try body(start, Int32(min(Self.chunk, count - start)))
        }
    }

    /// Runs one MPI call under the watchdog and turns its error code into a thrown error.
    private func checked(_ call: String, _ label: String, limit: Double? = nil, _ body: () -> Int32) throws {
        watchdog.begin(call, label, limit: limit)
        let code = body()
        watchdog.end()
        guard code == 0 else {
            throw CommunicationError.failed(
                call: call, label: label, rank: rank, host: hostName, context: context, reason: Self.reason(code))
        }
    }

    /// The name and version of the MPI library. It can be read before MPI is initialised.
    public static var libraryVersion: String {
        var text = [CChar](repeating: 0, count: Int(drnet_mpi_max_library_version_string()) + 1)
        return drnet_mpi_library_version(&text) == 0 ? text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } : "unknown"
    }

    private static func reason(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: Int(drnet_mpi_max_error_string()) + 1)
        return drnet_mpi_error_string(code, &text) == 0
            ? text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } : "error \(code)"
    }
}
