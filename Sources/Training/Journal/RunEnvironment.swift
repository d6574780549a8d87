import COpenBLAS
import Communication
import Foundation

/// What a run was started with; environment.json holds one for each start.
package struct RunEnvironment: Codable {
    /// Of this project.
    package static let projectVersion = "0.1.0"

    var drnet: String
    var system: String
    /// Of the compiler.
    var swift: String
    var mpi: String
    var openBLAS: String
    /// One line a host.
    var ranks: [String]
    var started: String
    var commandLine: [String]

    package init(drnet: String, ranks: [String]) {
        self.drnet = drnet
        self.ranks = ranks
        system = ProcessInfo.processInfo.operatingSystemVersionString
        swift = Self.compiler
        mpi = MPICommunicator.libraryVersion
        openBLAS = String(cString: openblas_get_config())
        started = ISO8601DateFormatter().string(from: Date())
        commandLine = CommandLine.arguments
    }

    /// A program can only ask for "at least".
    private static var compiler: String {
        #if compiler(>=6.5)
            return "6.5 or later"
        #elseif compiler(>=6.4)
            return "6.4"
        #elseif compiler(>=6.3)
            return "6.3"
        #else
            return "6.0 to 6.2"
        #endif
    }
}
