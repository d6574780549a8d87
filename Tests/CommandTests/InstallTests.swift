import Foundation
import TestSupport
import XCTest

/// Tests launch/install on machines without any dependency. The tools that it calls are replaced by scripts that only record the calls.
final class InstallTests: XCTestCase {
    /// Runs the script as a user, with or without sudo. Returns the result and the recorded calls.
    private func install(user: Int, hasSudo: Bool, hasSwift: Bool = true) throws -> (result: ProcessRunner.Result, calls: String) {
        try withTemporaryFolder { folder in
            var tools = [
                "dpkg-query": "", "id": "echo \(user)", "apt-get": "echo \"apt-get $*\" >> \(folder)/calls", "env": "shift; \"$@\"",
            ]
            if hasSudo { tools["sudo"] = "[ \"$1\" = -n ] && exit 0; echo sudo >> \(folder)/calls; \"$@\"" }
            if hasSwift { tools["swift"] = "" }
            for (name, body) in tools {
                try "#!/bin/bash\n\(body)\n".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
                chmod("\(folder)/\(name)", 0o755)
            }
            let result = try ProcessRunner.run(
                "/bin/bash", [repositoryRoot + "/launch/install"], environment: ["PATH": folder], timeout: 20)
            return (result, (try? String(contentsOfFile: folder + "/calls", encoding: .utf8)) ?? "")
        }
    }

    func testRootInstallsDirectly() throws {
        let (result, calls) = try install(user: 0, hasSudo: false)
        XCTAssertEqual(result.status, 0, result.text)
        let packages = [
            "libopenmpi-dev", "openmpi-bin", "libopenblas-dev", "libturbojpeg0-dev", "libjpeg-dev", "libpng-dev", "libwebp-dev",
        ]
        for package in packages {
            XCTAssertTrue(calls.contains(package), "\(package): \(calls)")
        }
        XCTAssertFalse(calls.contains("sudo"))
    }

    func testOtherUsersInstallWithSudo() throws {
        let (result, calls) = try install(user: 1000, hasSudo: true)
        XCTAssertEqual(result.status, 0, result.text)
        XCTAssertTrue(calls.hasPrefix("sudo\napt-get update"), calls)
    }

    func testWithoutRootAndSudoAMessageSaysWhatToInstall() throws {
        let (result, calls) = try install(user: 1000, hasSudo: false)
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.errors.contains("apt-get install libopenmpi-dev openmpi-bin libopenblas-dev"), result.text)
        XCTAssertEqual(calls, "")
    }

    func testAMissingSwiftIsReported() throws {
        let (result, _) = try install(user: 0, hasSudo: false, hasSwift: false)
        XCTAssertEqual(result.status, 1)
        XCTAssertTrue(result.errors.contains("no 'swift'"), result.text)
    }
}
