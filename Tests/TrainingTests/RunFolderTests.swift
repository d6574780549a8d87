import Foundation
import TestSupport
import XCTest

@testable import Configuration
@testable import Inference
@testable import Training

final class RunFolderTests: XCTestCase {
    private let products = ProductsSelection(.tiles, reason: "a test")

    private func configuration() throws -> TrainingConfiguration {
        try TrainingConfiguration.load(path: repositoryRoot + "/configs/quickstart.yaml", overrides: [])
    }

    func testEveryStartIsKeptWithTheVersionsOfItsLibraries() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            try folder.open(resume: false)
            for version in ["1", "2"] { try folder.record(try configuration(), cores: ["a: rank 0"], products: products, version: version) }
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.environment))
            let starts = try JSONDecoder().decode([RunEnvironment].self, from: data)
            XCTAssertEqual(starts.map(\.drnet), ["1", "2"])
            for start in starts {
                XCTAssertTrue(start.mpi.contains("Open MPI") && start.openBLAS.contains("OpenBLAS"), "\(start)")
                XCTAssertTrue(start.swift.hasPrefix("6."), start.swift)
            }
        }
    }

    func testAnUnreadableEnvironmentDoesNotStopARun() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path)
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder.environment))
            try folder.record(try configuration(), cores: [], products: products, version: "3")
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.environment))
            XCTAssertEqual(try JSONDecoder().decode([RunEnvironment].self, from: data).count, 1)
        }
    }

    func testOpeningWritesNothingAndRefusesAFolderThatHoldsARun() throws {
        try withTemporaryFolder { path in
            let folder = RunFolder(path: path + "/run")
            try folder.open(resume: false)
            XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
            try FileManager.default.createDirectory(atPath: folder.checkpoints, withIntermediateDirectories: true)
            XCTAssertThrowsError(try folder.open(resume: false)) { XCTAssertTrue("\($0)".contains("--resume"), "\($0)") }
            try folder.open(resume: true)
        }
    }
}
