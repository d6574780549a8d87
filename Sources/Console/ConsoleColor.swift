import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Colours of words on a terminal. They only repeat what the words say.
public enum ConsoleColor: Sendable {
    case red, yellow, bold

    private var code: String {
        switch self {
        case .red: return "1;31"
        case .yellow: return "1;33"
        case .bold: return "1"
        }
    }

    /// Returns the text in this colour.
    ///
    /// - Parameters:
    ///   - text: without a line break.
    ///   - isColored: whether the stream shows colours; otherwise the text is returned unchanged.
    public func paint(_ text: String, if isColored: Bool) -> String { isColored ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }

    /// Whether a stream shows colours: it is a terminal that can, and the user did not set NO_COLOR (https://no-color.org).
    ///
    /// mpirun gives its ranks a pseudo-terminal even if it has no terminal itself, so a rank shows colours only if launch/train says that
    /// there is one, with DRNET_TERMINAL_WIDTH.
    ///
    /// - Parameters:
    ///   - isTerminal: of the stream.
    ///   - environment: of this process.
    public static func isShown(isTerminal: Bool, environment: [String: String]) -> Bool {
        guard environment["NO_COLOR"] ?? "" == "", environment["TERM"] ?? "" != "dumb", environment["TERM"] ?? "" != "" else {
            return false
        }
        let isRank = environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMI_RANK"] != nil
        return isRank ? environment["DRNET_TERMINAL_WIDTH"] != nil : isTerminal
    }

    /// Whether standard output or standard error shows colours.
    ///
    /// - Parameter descriptor: of the stream.
    static func isShown(on descriptor: Int32) -> Bool {
        isShown(isTerminal: isatty(descriptor) != 0, environment: ProcessInfo.processInfo.environment)
    }
}
