import Foundation
import TestSupport
import XCTest

/// Tests how launch/train calls mpirun on several kinds of machines. The tools that describe the machine are replaced.
final class LauncherTests: XCTestCase {
    /// - Parameters:
    ///   - threads: the number of hardware threads that the process can use.
    ///   - places: the core and socket of each hardware thread; nil if lscpu fails.
    /// - Returns: the arguments of mpirun.
    private func arguments(threads: Int, places: [String]?, _ environment: [String: String] = [:]) throws -> [String] {
        try withTemporaryFolder { folder in
            let tools = [
                "nproc": "echo \(threads)", "mpirun": "printf '%s\\n' \"$@\" > \(folder)/arguments", "drnet": "",
                "lscpu": places.map { "printf '%s\\n' '# Core,Socket' \($0.joined(separator: " "))" } ?? "exit 1",
            ]
            for (name, body) in tools {
                try "#!/bin/bash\n\(body)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
                chmod("\(folder)/\(name)", 0o755)
            }
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let own = ["PATH": "\(folder):\(path)", "DRNET": "\(folder)/drnet", "RANKS": "", "HOSTS": "", "MPI_OPTIONS": ""]
            let result = try ProcessRunner.run(
                "/bin/bash", [repositoryRoot + "/launch/train", "my.yaml"], environment: own.merging(environment) { $1 }, timeout: 20)
            XCTAssertEqual(result.status, 0, result.text)
            return try String(contentsOfFile: folder + "/arguments", encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    private func ranks(_ arguments: [String]) -> String? {
        arguments.firstIndex(of: "-n").map { arguments[$0 + 1] }
    }

    func testCoresWithTwoThreadsGetOneRankEach() throws {
        let arguments = try arguments(threads: 8, places: ["0,0", "1,0", "0,1", "1,1", "0,0", "1,0", "0,1", "1,1"])
        XCTAssertEqual(ranks(arguments), "4")
        XCTAssertTrue(arguments.joined(separator: " ").contains("--bind-to core --map-by core"), "\(arguments)")
        XCTAssertFalse(arguments.contains("--oversubscribe"))
    }

    func testRanksDoNotExceedTheThreadsThatTheProcessCanUse() throws {
        XCTAssertEqual(ranks(try arguments(threads: 2, places: ["0,0", "1,0", "2,0", "3,0"])), "2")
        XCTAssertEqual(ranks(try arguments(threads: 3, places: nil)), "3")
    }

    func testMoreRanksThanCoresShareTheCores() throws {
        let arguments = try arguments(threads: 4, places: ["0,0", "1,0", "0,0", "1,0"], ["RANKS": "4"])
        XCTAssertEqual(ranks(arguments), "4")
        XCTAssertTrue(arguments.joined(separator: " ").contains("--oversubscribe --bind-to none"), "\(arguments)")
        XCTAssertFalse(arguments.contains("--map-by"))
        XCTAssertEqual(arguments.contains("--allow-run-as-root"), getuid() == 0)
    }

    func testAHostListDeterminesTheNumbersOfRanks() throws {
        let arguments = try arguments(threads: 1, places: ["0,0"], ["HOSTS": "a:2,b:3,c"])
        XCTAssertEqual(ranks(arguments), "6")
        XCTAssertTrue(arguments.joined(separator: " ").contains("--host a:2,b:3,c"), "\(arguments)")
    }
}
