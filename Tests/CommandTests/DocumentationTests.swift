import Foundation
import TestSupport
import XCTest

final class DocumentationTests: XCTestCase {
    /// The names of all tests of the package, such as "DecoderTests.testDecodingReturnsTheWrittenImage".
    private func tests() throws -> Set<String> {
        let folder = repositoryRoot + "/Tests"
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix("Tests.swift") }
        return Set(
            try files.flatMap { file -> [String] in
                let suite = try XCTUnwrap(file.split(separator: "/").last).dropLast(".swift".count)
                let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                return text.matches(of: /func (test\w+)\(/).map { "\(suite).\($0.1)" }
            })
    }

    /// The messages that the page about troubleshooting quotes are those of the code. "…" stands for names and numbers.
    func testTheMessagesOfTroubleshootingAreThoseOfTheCode() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/troubleshooting.md", encoding: .utf8)
        let headings = text.split(separator: "\n").filter { $0.hasPrefix("**") }
        let quoted = headings.flatMap { $0.matches(of: /`([^`]+)`/).map { $0.1 } }.flatMap { $0.split(separator: "…") }
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.count > 7 }
        XCTAssertGreaterThan(quoted.count, 20, "the headings were found")
        let sources = try ["Sources", "launch"].map { folder in
            try FileManager.default.subpathsOfDirectory(atPath: "\(repositoryRoot)/\(folder)").filter {
                $0.hasSuffix(".swift") || folder == "launch"
            }
            .compactMap { try? String(contentsOfFile: "\(repositoryRoot)/\(folder)/\($0)", encoding: .utf8) }.joined()
        }.joined()
        for part in quoted { XCTAssertTrue(sources.contains(part), "no message has the words '\(part)'") }
    }

    /// The tables of keys are generated. After a change: drnet config --update docs/configuration.md.
    func testTheTablesOfTheConfigurationAreThoseOfTheCode() throws {
        let page = try String(contentsOfFile: repositoryRoot + "/docs/configuration.md", encoding: .utf8)
        let drnet = try builtExecutable(named: "drnet")
        try withTemporaryFolder { folder in
            let copy = folder + "/configuration.md"
            try page.write(toFile: copy, atomically: true, encoding: .utf8)
            let result = try ProcessRunner.run(drnet, ["config", "--update", copy], environment: [:], timeout: 60)
            XCTAssertEqual(result.status, 0, result.text)
            let (old, new) = (page.split(separator: "\n"), try String(contentsOfFile: copy, encoding: .utf8).split(separator: "\n"))
            XCTAssertEqual(new.filter { !old.contains($0) }, [], "run: drnet config --update docs/configuration.md")
            XCTAssertEqual(old.filter { !new.contains($0) }, [], "run: drnet config --update docs/configuration.md")
            XCTAssertEqual(old.count, new.count)
        }
    }

    func testTheCommandDescribesKeysAndRefusesOthers() throws {
        let drnet = try builtExecutable(named: "drnet")
        func run(_ arguments: [String]) throws -> ProcessRunner.Result {
            try ProcessRunner.run(drnet, ["config"] + arguments, environment: [:], timeout: 60)
        }
        let one = try run(["optimizer.weightDecay"])
        XCTAssertEqual(one.status, 0, one.text)
        for part in [
            "optimizer.weightDecay\n", "values:     0 or more", "default:    1e-4; adamw: 0.01", "can change: before the run ends",
        ] {
            XCTAssertTrue(one.output.contains(part), one.text)
        }
        XCTAssertTrue(try run([]).output.contains("stages.recalibrate.batches"))
        let unknown = try run(["optimiser"])
        XCTAssertNotEqual(unknown.status, 0)
        XCTAssertTrue(unknown.text.contains("there is no key and no section 'optimiser'"), unknown.text)
    }

    func testTheTestsThatReliabilityNamesExist() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/reliability.md", encoding: .utf8)
        let named = text.matches(of: /`(\w+Tests\.test\w+)`/).map { String($0.1) }
        XCTAssertGreaterThan(named.count, 50, "the tables were found")
        XCTAssertEqual(Set(named).subtracting(try tests()), [])
    }
}
