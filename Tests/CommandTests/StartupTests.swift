import Foundation
import TestSupport
import XCTest

/// Tests the check of the processor (Sources/System/CStartup), which exists only on x86-64.
#if arch(x86_64)
    final class StartupTests: XCTestCase {
        /// Returns an environment that makes the check treat a feature as missing.
        private func withoutFeature(_ name: String) -> [String: String] { ["DRNET_TEST_MISSING_FEATURES": name] }

        func testEverySubcommandFirstChecksTheProcessor() throws {
            let drnet = try builtExecutable(named: "drnet")
            guard try !ProcessRunner.run(drnet, ["--version"]).errors.contains("built without AVX2") else {
                throw XCTSkip("this build needs neither AVX2 nor FMA; launch/test makes one that does")
            }
            let commands = ["train", "evaluate", "predict", "info", "synthesize", "study", "--help", "--version", "no such command"]
            for (program, arguments) in [("drnet", commands), ("drnet-benchmark", ["step", "peak", "kernels", "report"])] {
                let path = try builtExecutable(named: program)
                for argument in arguments {
                    let result = try ProcessRunner.run(path, [argument], environment: withoutFeature("AVX2"))
                    XCTAssertEqual(result.status, 1, "\(program) \(argument): \(result.text)")
                    XCTAssertEqual(result.output, "", "\(program) \(argument)")
                    XCTAssertTrue(
                        result.errors.hasPrefix("\(program): this processor lacks AVX2, and the program was compiled for it."),
                        "\(program) \(argument): \(result.text)")
                }
            }
            let both = try ProcessRunner.run(drnet, ["info"], environment: withoutFeature("AVX2,FMA"))
            XCTAssertTrue(both.errors.contains("lacks AVX2 and FMA,"), both.text)
        }

        func testTheCheckDependsOnTheFlagsOfTheBuild() throws {
            try withTemporaryFolder { folder in
                try "int main(void) { return 0; }\n".write(toFile: folder + "/main.c", atomically: true, encoding: .utf8)
                func build(_ name: String, _ flags: [String]) throws -> String {
                    let startup = repositoryRoot + "/Sources/System/CStartup"
                    let result = try ProcessRunner.run(
                        "/usr/bin/env",
                        ["clang", "-O2", "-Wall", "-Wextra", "-Werror", "-I\(startup)/include"] + flags
                            + ["\(startup)/startup.c", "\(folder)/main.c", "-o", "\(folder)/\(name)"])
                    XCTAssertEqual(result.status, 0, result.text)
                    return "\(folder)/\(name)"
                }
                let plain = try build("plain", [])
                let advised = try ProcessRunner.run(plain, [], environment: withoutFeature("AVX2"))
                XCTAssertEqual(advised.status, 0, "a build without AVX2 runs everywhere")
                XCTAssertTrue(advised.errors.hasPrefix("plain: built without AVX2 and FMA, so it computes slowly."), advised.text)
                XCTAssertTrue(advised.errors.contains("-Xcc -mavx2 -Xcc -mfma"), advised.text)
                for rank in ["0", "1"] {
                    let ofRank = try ProcessRunner.run(plain, [], environment: ["OMPI_COMM_WORLD_RANK": rank])
                    XCTAssertEqual(ofRank.errors.isEmpty, rank != "0", "only rank 0 prints: \(ofRank.text)")
                }

                let fast = try build("fast", ["-mavx2", "-mfma"])
                let silent = try ProcessRunner.run(fast, [])
                XCTAssertEqual([silent.status == 0 ? "ends normally" : "fails", silent.text], ["ends normally", ""])
                let refused = try ProcessRunner.run(fast, [], environment: withoutFeature("FMA"))
                XCTAssertEqual(refused.status, 1)
                XCTAssertTrue(refused.errors.contains("lacks FMA,"), refused.text)
            }
        }
    }
#endif
