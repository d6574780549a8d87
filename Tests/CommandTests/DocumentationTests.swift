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

    func testTheTestsThatReliabilityNamesExist() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/reliability.md", encoding: .utf8)
        let named = text.matches(of: /`(\w+Tests\.test\w+)`/).map { String($0.1) }
        XCTAssertGreaterThan(named.count, 50, "the tables were found")
        XCTAssertEqual(Set(named).subtracting(try tests()), [])
    }
}
