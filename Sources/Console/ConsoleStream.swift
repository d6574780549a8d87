import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One of the standard streams.
final class ConsoleStream: Sendable {
    let descriptor: Int32

    private struct State {
        /// The same file with O_NONBLOCK. Setting that flag on `descriptor` itself would change it for other processes, too.
        var nonBlocking: Int32?
        var isClosed = false
        /// Whether the last message was lost because nobody read the earlier ones. Further messages then do not wait.
        var isStuck = false
        /// Messages lost since the last one that was written.
        var lost = 0
        /// Whether the last message was cut after a part of it.
        var isCut = false
    }

    private let state = Mutex(State())

    /// How long a message waits for a reader that does not read, in milliseconds.
    private let patience: Int32

    init(_ descriptor: Int32, patience: Int32 = 1000) {
        self.descriptor = descriptor
        self.patience = patience
    }

    /// Records that the stream was closed when the program began.
    func markAsClosed() { state.withLock { $0.isClosed = true } }

    /// Writes a message, or loses it.
    func offer(_ text: String) {
        state.withLock { state in
            guard !state.isClosed else { return }
            var text = text
            if state.lost > 0 { text = "\(state.isCut ? "\n" : "")(\(state.lost) lines could not be written here)\n" + text }
            switch send(Array(text.utf8), &state) {
            case .all:
                (state.lost, state.isCut, state.isStuck) = (0, false, false)
            case .part:
                (state.lost, state.isCut) = (state.lost + 1, true)
            case .none:
                state.lost += 1
            }
        }
    }

    private enum Sent { case all, part, none }

    private func send(_ bytes: [UInt8], _ state: inout State) -> Sent {
        let target = state.nonBlocking ?? openNonBlocking()
        state.nonBlocking = target
        let (count, _) = transfer(bytes, to: target) {
            if !state.isStuck { state.isStuck = !isReady(target, milliseconds: patience) }
            return !state.isStuck
        }
        return count == bytes.count ? .all : count > 0 ? .part : .none
    }

    /// Writes bytes until all are written or an error occurs.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - target: the descriptor.
    ///   - wait: waits while the stream takes nothing. Returns false to give up.
    /// - Returns: the number of bytes that were written, and the value of `errno` if it is not all of them.
    private func transfer(_ bytes: [UInt8], to target: Int32, wait: () -> Bool) -> (count: Int, code: Int32) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes.withUnsafeBytes { systemWrite(target, $0.baseAddress! + offset, bytes.count - offset) }
            let code = errno
            if written > 0 {
                offset += written
            } else if written < 0 && code == EAGAIN {
                guard wait() else { return (offset, code) }
            } else if written == 0 || code != EINTR {
                return (offset, code)
            }
        }
        return (offset, 0)
    }

    /// Opens the stream's pipe or terminal once more, without blocking. Writes to other kinds of files do not wait for a reader.
    private func openNonBlocking() -> Int32 {
        var status = stat()
        guard fstat(descriptor, &status) == 0, [S_IFIFO, S_IFCHR].contains(status.st_mode & S_IFMT) else { return descriptor }
        let copy = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        return copy >= 0 ? copy : descriptor
    }

    /// - Parameter milliseconds: the longest time to wait; negative for no limit.
    private func isReady(_ target: Int32, milliseconds: Int32) -> Bool {
        var request = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
        return poll(&request, 1, milliseconds) > 0
    }

    /// Writes all of a text, and waits for the reader.
    func write(_ text: String) throws {
        try state.withLock { state in
            guard !state.isClosed else { throw ConsoleError(code: EBADF) }
            let bytes = Array(text.utf8)
            let (count, code) = transfer(bytes, to: descriptor) {
                _ = isReady(descriptor, milliseconds: -1)
                return true
            }
            guard count == bytes.count else { throw ConsoleError(code: code) }
        }
    }
}

/// The system call. Inside `ConsoleStream`, the name `write` means its own method.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
