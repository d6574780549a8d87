import Foundation
import TestSupport
import XCTest

/// `drnet measure-costs`, and runs whose decisions weigh its milliseconds.
final class CostCommandTests: XCTestCase {
    private func measured(_ run: SmallRun, _ path: String, classifier: [Double]? = nil) throws {
        let result = try run.drnet(["measure-costs", run.configuration, "--seconds", "0", "--batch-size", "2", "--output", path])
        XCTAssertEqual(result.status, 0, result.text)
        for text in ["resnet18 at 48", "resnet18 at 32", "\ndecision ", "batch size 2", "table for policy.cost: \(path)"] {
            XCTAssertTrue(result.output.contains(text), "\(text): \(result.text)")
        }
        guard let classifier else { return }
        // Times of so small a network are too noisy for a test.
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        var object = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
        var table = try XCTUnwrap(object["table"] as? [String: Any])
        table["milliseconds"] = ["classifier": classifier, "predictor": 0.5, "isCascade": false] as [String: Any]
        object["table"] = table
        try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
    }

    func testARunWeighsTheTimesOfItsTableAndKeepsThem() throws {
        try withSmallRun { run in
            let costs = run.path("costs.json")
            try measured(run, costs, classifier: [10, 8])
            let options = ["--set", "policy.cost=\(costs)", "--set", "policy.flopsTarget=0.9"]
            try run.complete("run", options)
            let configuration = try String(contentsOfFile: run.path("run/config.yaml"), encoding: .utf8)
            XCTAssertTrue(configuration.contains("classifierMilliseconds: [10, 8]"), configuration)
            let metrics = try String(contentsOfFile: run.path("run/metrics.jsonl"), encoding: .utf8)
            let step = try XCTUnwrap(metrics.split(separator: "\n").last { $0.contains("\"kind\":\"step\"") })
            XCTAssertTrue(step.contains("\"runningMilliseconds\":") && step.contains("\"gigaFLOPs\":0.0"), "\(step)")

            // The run has its own copy of the numbers.
            try run.cut("run", to: "cut", afterStep: 18)
            try run.complete("cut", options + ["--resume"])
            XCTAssertEqual(try run.weights("cut"), try run.weights("run"))
            try FileManager.default.removeItem(atPath: costs)
            let evaluated = try run.drnet(["evaluate", run.path("run"), "--budget", "0.95"])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            XCTAssertTrue(evaluated.output.contains("0.95 of the largest resolution's time, 9.5 ms"), evaluated.text)
            let recommended = try run.drnet(["recommend", run.path("run")])
            XCTAssertEqual(recommended.status, 0, recommended.text)
            // Which resolution is better for so few images depends on the last bits of products.
            XCTAssertTrue(recommended.output.contains("10 ms") || recommended.output.contains("8 ms"), recommended.text)

            let gone = try run.train("run", options + ["--resume"])
            XCTAssertEqual(gone.status, 1, gone.text)
            XCTAssertTrue(gone.errors.contains("'policy.cost' is neither flops nor a table"), gone.text)
            try measured(run, costs, classifier: [10, 7])
            let changed = try run.train("run", options + ["--resume"])
            XCTAssertEqual(changed.status, 1, changed.text)
            XCTAssertTrue(changed.errors.contains("policy.cost is a table of [10, 7] ms, was a table of [10, 8] ms"), changed.text)
            let own = try run.drnet(["train", run.path("run/config.yaml"), "-o", run.path("run"), "--resume"])
            XCTAssertEqual(own.status, 0, own.text)
        }
    }

    func testMeasuringNeedsNoTableAndNoTraining() throws {
        try withSmallRun { run in
            let configuration = run.path("with-costs.yaml")
            let text = try String(contentsOfFile: run.configuration, encoding: .utf8)
                .replacingOccurrences(of: "flopsTarget: 0.5", with: "flopsTarget: 0.5, cost: \(run.path("costs.json"))")
            try text.write(toFile: configuration, atomically: true, encoding: .utf8)
            let info = try run.drnet(["info", configuration])
            XCTAssertEqual(info.status, 1)
            XCTAssertTrue(info.errors.contains("'drnet measure-costs' writes a table"), info.text)
            let result = try run.drnet(
                ["measure-costs", configuration, "--seconds", "0", "--threads", "1", "--output", run.path("costs.json")])
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(result.output.contains("batch size 1, 1 thread of"), result.text)
            for (options, message) in [
                (["--batch-size", "0"], "--batch-size is 0"), (["--threads", "0"], "--threads is 0"),
                (["--seconds", "nan"], "--seconds is"),
                (["--classes", "0"], "--classes is 0"),
            ] {
                let refused = try run.drnet(["measure-costs", run.configuration] + options)
                XCTAssertEqual(refused.status, 64, refused.text)
                XCTAssertTrue(refused.errors.contains(message), refused.text)
            }
        }
    }
}
