#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes lines for a person to standard output and standard error.
///
/// Messages (`note`, `progress`, `warning`, `error`) never end or delay a program: a full disk, a closed pipe, a terminal that hung up and
/// a reader that does not read only lose the message. The result of a command (`result`) is different: it throws if it cannot be written.
/// Nothing is buffered, so lines appear in the order of the calls. Thread-safe.
public enum Console {
    private static let output = ConsoleStream(STDOUT_FILENO)
    private static let errors = ConsoleStream(STDERR_FILENO)

    /// Whether the streams show colours, as the process began.
    private static let (colorsOutput, colorsErrors) = (ConsoleColor.isShown(on: STDOUT_FILENO), ConsoleColor.isShown(on: STDERR_FILENO))

    /// Prepares the standard streams. Call it first in `main`.
    ///
    /// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise, the next opened file would get that number, and
    /// messages would be written into it. Ignores SIGPIPE, so that a closed pipe is an error of one write.
    public static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for stream in [output, errors] where fcntl(stream.descriptor, F_GETFD) < 0 { stream.markAsClosed() }
        var descriptor = open("/dev/null", O_RDWR)
        while descriptor >= 0 && descriptor <= STDERR_FILENO { descriptor = open("/dev/null", O_RDWR) }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Writes a line of progress to standard output.
    public static func note(_ text: String) { output.offer(text + "\n") }

    /// Whether standard output shows colours.
    public static var showsColors: Bool { colorsOutput }

    /// Writes text without a line break to standard output, for a live line of progress.
    public static func progress(_ text: String) { output.offer(text) }

    /// Writes a line with the prefix "warning: " to standard error.
    public static func warning(_ text: String) { errors.offer("\(ConsoleColor.yellow.paint("warning:", if: colorsErrors)) \(text)\n") }

    /// Writes a line with the prefix "drnet: error: " to standard error.
    public static func error(_ text: String) {
        errors.offer("drnet: \(ConsoleColor.red.paint("error:", if: colorsErrors)) \(text)\n")
    }

    /// Writes a line of a command's result to standard output. Waits for a slow reader.
    ///
    /// - Throws: `ConsoleError` if standard output does not take the line.
    public static func result(_ text: String) throws { try output.write(text + "\n") }
}

/// Standard output cannot be written.
public struct ConsoleError: Error, CustomStringConvertible {
    /// The value of `errno`.
    public let code: Int32

    /// Whether the reader of a pipe closed it, as `head` does. This is usually no reason for a message.
    public var isClosedPipe: Bool { code == EPIPE }

    public var description: String { "standard output cannot be written: \(String(cString: strerror(code)))" }
}
