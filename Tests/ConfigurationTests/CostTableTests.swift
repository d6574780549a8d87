import DynamicResolution
import Foundation
import TestSupport
import XCTest

@testable import Configuration

/// `policy.cost`: a table of milliseconds in place of multiply-adds.
final class CostTableTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18}
        predictor: {kind: cascade, head: learned}
        policy: {cost: FOLDER/costs.json, flopsTarget: 0.7}
        optimizer: {batchSize: 32}
        stages:
          warmUp: {epochs: 3, learningRate: {base: 0.1}}
          fineTune: {epochs: 2, learningRate: {base: 0.01}}
        """

    private func table(_ times: [Double] = [0.85, 0.325]) -> CostTable {
        CostTable(
            networks: .init(
                architecture: "resnet18", width: 1, resolutions: [96, 64],
                decider: "cascade by a learned head with 32 hidden units"),
            conditions: .init(batchSize: 1, threads: 2, processor: "a \"processor\": 2"),
            milliseconds: ImageCosts(classifier: times, predictor: 0.0125, isCascade: true))
    }

    private func load(_ folder: String, _ overrides: [String] = []) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(
            text: minimal.replacingOccurrences(of: "FOLDER", with: folder), path: "run.yaml", overrides: overrides)
    }

    private func problems(_ folder: String, _ overrides: [String] = []) -> String {
        configurationProblems { try load(folder, overrides) }.joined(separator: "\n")
    }

    private func withTable(_ table: CostTable, _ body: (String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try table.data().write(to: URL(fileURLWithPath: folder + "/costs.json"))
            try body(folder)
        }
    }

    /// The resolved configuration contains the numbers: the file can be gone or changed.
    func testAResolvedConfigurationNeedsNoFile() throws {
        try withTable(table()) { folder in
            let configuration = try load(folder)
            XCTAssertEqual(configuration.policy.costTable, table())
            try FileManager.default.removeItem(atPath: folder + "/costs.json")
            let again = try TrainingConfiguration.load(text: configuration.yaml(), path: "config.yaml", overrides: [])
            XCTAssertEqual(again, configuration)
            XCTAssertTrue(problems(folder).contains("is neither flops nor a table of milliseconds"), problems(folder))
            XCTAssertTrue(problems(folder).contains("costs.json: cannot read the file"), problems(folder))
            XCTAssertNil(try load(folder, ["policy.cost=flops"]).policy.costTable)
        }
    }

    func testTheTargetIsAShareOfTheTime() throws {
        try withTable(table()) { folder in
            let configuration = try load(folder)
            let regularizer = try FLOPsRegularizer(configuration.policy, FLOPsModel(configuration, classCount: 10))
            XCTAssertEqual(regularizer.target, 0.7 * 0.85, accuracy: 1e-12)
            // Of a cascade: 0.85 + 0.325 and 0.325. Their difference is below 1.
            XCTAssertEqual(regularizer.excess(mean: 0.7 * 0.85 + 0.85), 1, accuracy: 1e-12)
            let counted = try load(folder, ["policy.countPredictor=true"])
            XCTAssertEqual(
                try FLOPsRegularizer(counted.policy, FLOPsModel(counted, classCount: 10)).target, 0.7 * 0.85 - 0.0125, accuracy: 1e-12)
            XCTAssertTrue(problems(folder, ["policy.flopsTarget=2.5G"]).contains("2.5G multiply-adds, but policy.cost is a table"))
            let low = problems(folder, ["policy.flopsTarget=0.3"])
            XCTAssertTrue(low.contains("is 0.255 ms, but even the smallest resolution costs 0.325 ms"), low)
        }
    }

    func testATableOfOtherNetworksIsRefused() throws {
        try withTable(table()) { folder in
            for (override, message) in [
                ("classifier.width=0.5", "classifier.width is 0.5, and the table has 1"),
                ("classifier.architecture=resnet50", "classifier.architecture is resnet50, and the table has resnet18"),
                ("resolutions=[96,32]", "resolutions is [96, 32], and the table has [96, 64]"),
                ("predictor.hiddenUnits=8", "the decider is cascade by a learned head with 8 hidden units, and the table has"),
                ("predictor.kind=network", "the decider is residual network"),
            ] {
                XCTAssertTrue(problems(folder, [override]).contains(message), "\(override): \(problems(folder, [override]))")
            }
        }
    }

    func testTimesThatCannotBeWeighedAreRefused() throws {
        for (times, message) in [
            ([3.0, 8], "does not decrease with the resolution"), ([3, 3], "does not decrease"), ([3], "1 times of the classifier for 2"),
            ([3, 0], "not a positive number"), ([.infinity, 1], "not a positive number"),
        ] as [([Double], String)] {
            try withTable(table(times)) { folder in
                XCTAssertTrue(problems(folder).contains(message), "\(times): \(problems(folder))")
            }
        }
        try withTemporaryFolder { folder in
            for text in ["", "{}", "[1]", "{\"format\": \"drnet-deployment\", \"version\": 1}", "weights"] {
                try text.write(toFile: folder + "/costs.json", atomically: true, encoding: .utf8)
                XCTAssertTrue(problems(folder).contains("costs.json: damaged or not of the expected kind"), problems(folder))
            }
            try "{\"format\": \"drnet-costs\", \"version\": 9}".write(toFile: folder + "/costs.json", atomically: true, encoding: .utf8)
            XCTAssertTrue(problems(folder).contains("has version 9"), problems(folder))
        }
    }
}
