import COpenMPI

/// A sum that is under way.
final class RunningSum {
    enum Progress {
        /// For messages.
        case waits
        case moved
        case failed(BackgroundSums.Failure)
    }

    private let values: UnsafeMutableBufferPointer<Float>
    private let schedule: SumSchedule
    private let tag: Int32
    /// What is received before it is added or widened.
    private let received: UnsafeMutableRawBufferPointer
    /// Rounded values to send; empty in `float32`.
    private let rounded: UnsafeMutableBufferPointer<UInt16>
    private let requests: UnsafeMutableRawPointer
    private var next = 0
    /// Messages of the step `next` that are under way; nil before they start.
    private var messages: Int32?

    init(_ values: UnsafeMutableBufferPointer<Float>, _ schedule: SumSchedule, tag: Int32) {
        self.values = values
        self.schedule = schedule
        self.tag = tag
        received = .allocate(byteCount: schedule.receivedBytes, alignment: 16)
        rounded = .allocate(capacity: schedule.roundedCount)
        requests = .allocate(byteCount: 2 * Int(drnet_mpi_request_bytes()), alignment: 16)
    }

    deinit {
        received.deallocate()
        rounded.deallocate()
        requests.deallocate()
    }

    var isComplete: Bool { next == schedule.steps.count }

    /// Completes steps as long as their messages have arrived.
    func advance(_ communicator: UnsafeMutableRawPointer) -> Progress {
        var progress = Progress.waits
        while !isComplete {
            let step = schedule.steps[next]
            if messages == nil, let failure = start(step, communicator) { return .failed(failure) }
            var done: Int32 = 0
            let code = drnet_mpi_test_all(messages ?? 0, requests, &done)
            guard code == 0 else { return .failed(.init(call: "MPI_Testall", code: code)) }
            guard done != 0 else { break }
            take(step)
            messages = nil
            next += 1
            progress = .moved
        }
        return progress
    }

    /// Starts the messages of a step.
    ///
    /// - Returns: the failed MPI call; nil if all calls succeeded.
    private func start(_ step: SumSchedule.Step, _ communicator: UnsafeMutableRawPointer) -> BackgroundSums.Failure? {
        guard let base = values.baseAddress else { return nil }
        let width = Int(drnet_mpi_request_bytes())
        var count: Int32 = 0
        if !step.received.isEmpty {
            let target = step.isBuffered ? received.baseAddress : UnsafeMutableRawPointer(base + step.received.lowerBound)
            let code = drnet_mpi_start_receive(
                target, Int32(step.received.count * step.format.bytes), Int32(step.sender), tag, communicator, requests)
            guard code == 0 else { return .init(call: "MPI_Irecv", code: code) }
            count += 1
        }
        if !step.sent.isEmpty {
            let code = drnet_mpi_start_send(
                source(step, base), Int32(step.sent.count * step.format.bytes), Int32(step.receiver), tag, communicator,
                requests + Int(count) * width)
            guard code == 0 else { return .init(call: "MPI_Isend", code: code) }
            count += 1
        }
        messages = count
        return nil
    }

    /// The numbers to send. In bfloat16, they are rounded in place, too: in the all-gather, this rank then has what the others receive. In
    /// the reduce-scatter, this rank's values are not used any more.
    private func source(_ step: SumSchedule.Step, _ base: UnsafeMutablePointer<Float>) -> UnsafeRawPointer? {
        guard step.format == .bfloat16, let copy = rounded.baseAddress else { return UnsafeRawPointer(base + step.sent.lowerBound) }
        BFloat16.round(UnsafeMutableBufferPointer(start: base + step.sent.lowerBound, count: step.sent.count), copy: copy)
        return UnsafeRawPointer(copy)
    }

    /// Adds or widens what was received.
    private func take(_ step: SumSchedule.Step) {
        guard step.isBuffered, let base = values.baseAddress, let source = received.baseAddress else { return }
        let (target, count) = (base + step.received.lowerBound, step.received.count)
        switch step.format {
        case .float32:
            let numbers = source.assumingMemoryBound(to: Float.self)
            for index in 0..<count { target[index] += numbers[index] }
        case .bfloat16:
            let numbers = source.assumingMemoryBound(to: UInt16.self)
            if step.adds {
                for index in 0..<count { target[index] += BFloat16.float(numbers[index]) }
            } else {
                for index in 0..<count { target[index] = BFloat16.float(numbers[index]) }
            }
        }
    }
}
