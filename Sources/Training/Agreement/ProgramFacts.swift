import COpenBLAS
import Communication
import Foundation
import Interchange

/// What a rank runs: the program, its libraries, and the variables that change their results.
package struct ProgramFacts {
    /// Must be the same on all ranks. Another build can update the replicas in another way, or run other collectives.
    package var required: [RankFact]
    /// Changes only the last bits of a rank's share of the gradients. Sums over the ranks, and so the replicas, stay equal.
    package var advisory: [RankFact]

    /// The sequence of collectives. Increase it when an older build could not take part any more.
    private static let protocolVersion = 2

    /// - Parameter version: of the command.
    package init(version: String) {
        required = [
            RankFact("the version of drnet", version), RankFact("the version of its protocol", String(Self.protocolVersion)),
            RankFact("the checksum of the executable", Self.executable),
        ]
        advisory =
            [
                RankFact("OpenBLAS", String(cString: openblas_get_config())),
                RankFact("the kernel set of OpenBLAS", String(cString: openblas_get_corename())),
                RankFact("the MPI library", MPICommunicator.libraryVersion),
            ]
            + ProcessInfo.processInfo.environment.filter { $0.key.hasPrefix("OPENBLAS_") }.sorted { $0.key < $1.key }
            .map { RankFact("the variable \($0.key)", $0.value) }
    }

    /// The checksum and the size of the executable. The system keeps the file of a running program, also if another one has its name now.
    static var executable: String {
        #if os(Linux)
            let path = "/proc/self/exe"
        #else
            let path = CommandLine.arguments[0]
        #endif
        guard let file = try? FileChecksum.describe(path) else { return "unknown" }
        return "\(String(file.crc32, radix: 16)) (\(file.bytes) bytes)"
    }
}
