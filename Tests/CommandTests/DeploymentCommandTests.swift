import Foundation
import TestSupport
import XCTest

/// `drnet recommend`, and the commands that take its file.
final class DeploymentCommandTests: XCTestCase {
    private func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func write(_ object: [String: Any], _ path: String) throws {
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
    }

    /// The lines "deployed, …: 12.34 % top-1 at 1.2 GFLOPs an image" and "expected: 12.34 % at 1.2 GFLOPs on the …".
    private func numbers(_ output: String, line: UInt = #line) throws -> (found: String, expected: String) {
        func text(_ pattern: Regex<(Substring, Substring, Substring)>) throws -> String {
            let match = try XCTUnwrap(output.firstMatch(of: pattern), output, line: line)
            return "\(match.1) % at \(match.2)"
        }
        return (
            try text(/deployed, .*: ([0-9.]+) % top-1 at ([0-9.e-]+) GFLOPs/), try text(/expected: ([0-9.]+) % at ([0-9.e-]+) GFLOPs/)
        )
    }

    func testTrainingRecommendsAndTheDeploymentPredictsAndIsEvaluated() throws {
        try withSmallRun { run in
            let trained = try run.train("run")
            XCTAssertEqual(trained.status, 0, trained.text)
            XCTAssertTrue(trained.output.contains("no less accurate than fixed 48: take the fixed resolution"), trained.text)
            XCTAssertTrue(trained.output.contains("24 images are too few to decide"), trained.text)
            let file = run.path("run/deployment.json")
            XCTAssertEqual(try object(file)["chooser"] as? String, "fixed")
            // Which resolution is better for so few images depends on the last bits of products.
            let chosen = try XCTUnwrap(try object(file)["resolution"] as? Int)
            let unchosen = chosen == 48 ? 32 : 48

            let image = run.path("data/val/rings/00004.jpg")
            func resolution(_ file: String) throws -> String {
                let result = try run.drnet(["predict", "--deployment", file, image])
                XCTAssertEqual(result.status, 0, result.text)
                return String(try XCTUnwrap(result.output.split(separator: "\n").last).split(separator: "\t")[3])
            }
            func evaluated(_ file: String, ranks: Int? = nil) throws -> String {
                let before = try Data(contentsOf: URL(fileURLWithPath: run.path("run/evaluation.json")))
                let result = try run.drnet(["evaluate", run.path("run"), "--deployment", file], ranks: ranks)
                XCTAssertEqual(result.status, 0, result.text)
                XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: run.path("run/evaluation.json"))), before, "the table is kept")
                return result.output
            }
            XCTAssertEqual(try resolution(file), "\(chosen)")
            var lines = try numbers(try evaluated(file))
            XCTAssertEqual(lines.found, lines.expected)

            // The same weights with each other chooser.
            for (chooser, weights) in [("thresholdCascade", [("0", "48"), ("2", "32")]), ("trained", [("-1e6", "48"), ("1e6", "32")])] {
                for (costWeight, expected) in weights {
                    var other = try object(file)
                    other["chooser"] = chooser
                    other["costWeight"] = try XCTUnwrap(Double(costWeight))
                    other["resolution"] = nil
                    other["run"] = run.path("run")
                    try write(other, run.path("other.json"))
                    XCTAssertEqual(try resolution(run.path("other.json")), expected, "\(chooser) \(costWeight)")
                }
            }
            var another = try object(file)
            another["resolution"] = unchosen
            try write(another, run.path("run/another.json"))
            XCTAssertEqual(try resolution(run.path("run/another.json")), "\(unchosen)")
            lines = try numbers(try evaluated(run.path("run/another.json"), ranks: 2))
            XCTAssertNotEqual(lines.found, lines.expected, "the expectation is that of another resolution")
        }
    }

    func testTheRecommendationDoesNotDependOnTheNumberOfRanksAndKnowsBudgets() throws {
        try withSmallRun(validationImages: 60) { run in
            try run.complete("run", ["--set", "predictor.kind=cascade", "--set", "predictor.head=learned"])
            var found: [NSDictionary] = []
            for ranks in [nil, 2] as [Int?] {
                let file = run.path("deployment-\(ranks ?? 1).json")
                let result = try run.drnet(["recommend", run.path("run"), "--budget", "0.9", "--output", file], ranks: ranks)
                XCTAssertEqual(result.status, 0, result.text)
                for text in [
                    "95 % intervals from 2000 paired resamples", "\nfixed 48 ", "\nfixed 32 ", "\nthreshold cascade ", "\ntrained cascade ",
                    "within 0.9 of the largest resolution's multiply-adds", "take the fixed resolution",
                    "the other ways, within the budget:", "deployment: \(file)",
                ] {
                    XCTAssertTrue(result.output.contains(text), "\(text): \(result.text)")
                }
                var deployment = try object(file)
                XCTAssertEqual(deployment["run"] as? String, URL(fileURLWithPath: run.path("run")).standardizedFileURL.path)
                let (expected, costs) = (
                    try XCTUnwrap(deployment["expected"] as? [String: Any]), try XCTUnwrap(deployment["costs"] as? [String: Any])
                )
                deployment["expected"] = expected.filter { $0.key != "milliseconds" }
                deployment["costs"] = costs.filter { !["milliseconds", "conditions"].contains($0.key) }
                found.append(deployment as NSDictionary)
                XCTAssertEqual(try run.drnet(["predict", "--deployment", file, run.path("data/val/rings/00004.jpg")]).status, 0)
            }
            XCTAssertEqual(found[0], found[1])
            for (options, status, message) in [
                (["recommend", run.path("run"), "--budget", "0.01"], 1, "cannot be met"),
                (["recommend", run.path("run"), "--budget", "0.5", "--budget-ms", "1"], 64, "not both"),
                (["recommend", run.path("run"), "--output", run.path("none/x.json")], 1, "does not exist"),
            ] as [([String], Int32, String)] {
                let result = try run.drnet(options)
                XCTAssertEqual(result.status, status, "\(options): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(options): \(result.text)")
            }
        }
    }

    func testAClassifierWithoutADeciderIsRecommendedFromItsFixedResolutions() throws {
        try withSmallRun { run in
            try run.complete("run", ["--set", "stages.fineTune=null", "--set", "predictor.kind=none"])
            let result = try run.drnet(["recommend", run.path("run")])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("\nthreshold cascade "), result.text)
            XCTAssertFalse(result.output.contains("trained"), result.text)
        }
    }

    func testStaleAndWrongDeploymentsAreRefused() throws {
        try withSmallRun { run in
            try run.complete("run")
            try FileManager.default.copyItem(atPath: run.path("run/deployment.json"), toPath: run.path("old.json"))
            let image = run.path("data/val/rings/00004.jpg")
            try run.complete("run", ["--restart", "--set", "seed=4"])
            XCTAssertTrue(FileManager.default.fileExists(atPath: run.path("run/earlier-1/deployment.json")))
            for (options, status, message) in [
                (["predict", image], 64, "name a run with --run, or a file with --deployment"),
                (["predict", "--deployment", run.path("run/deployment.json"), "--cost-weight", "1", image], 64, "it has its own"),
                (["predict", "--deployment", run.path("run/config.yaml"), image], 1, "it is not JSON"),
                (["predict", "--deployment", run.path("run/budget.json"), image], 1, "cannot read the file"),
                (["predict", "--deployment", run.path("run/evaluation.json"), image], 1, "it is no deployment"),
                (["predict", "--deployment", run.path("old.json"), "--run", run.path("run"), image], 1, "has other weights than"),
                (["evaluate", run.path("run"), "--deployment", run.path("old.json")], 1, "has other weights than"),
                (["evaluate", run.path("run"), "--deployment", run.path("run/deployment.json"), "--checkpoint", "best"], 64, "not both"),
                (["evaluate", run.path("run"), "--deployment", run.path("run/deployment.json"), "--budget", "0.5"], 64, "its own λ"),
            ] as [([String], Int32, String)] {
                let result = try run.drnet(options)
                XCTAssertEqual(result.status, status, "\(options): \(result.text)")
                XCTAssertTrue(result.errors.contains(message), "\(options): \(result.text)")
            }
        }
    }
}
