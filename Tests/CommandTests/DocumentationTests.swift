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

    func testTheTestsThatReliabilityNamesExist() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/reliability.md", encoding: .utf8)
        let named = text.matches(of: /`(\w+Tests\.test\w+)`/).map { String($0.1) }
        XCTAssertGreaterThan(named.count, 50, "the tables were found")
        XCTAssertEqual(Set(named).subtracting(try tests()), [])
    }
}
