import Foundation
import TestSupport
import XCTest

/// Tests the command as a user sees it: output, files and errors.
final class CommandTests: XCTestCase {
    func testARunIsTrainedEvaluatedAndPredicts() throws {
        try withSmallRun { run in
            let trained = try run.train("run", ranks: 2)
            XCTAssertEqual(trained.status, 0, trained.text)
            let rows = ["dynamic", "fixed 48", "fixed 32", "random, same shares", "oracle"]
            for row in rows { XCTAssertTrue(trained.output.contains("\n\(row) "), "no row '\(row)': \(trained.text)") }
            XCTAssertTrue(trained.output.contains("run folder: \(run.path("run"))"))
            for file in ["config.yaml", "environment.json", "metrics.jsonl", "evaluation.json", "evaluation.txt"] {
                XCTAssertTrue(FileManager.default.fileExists(atPath: run.path("run") + "/" + file), file)
            }

            let evaluated = try run.drnet(["evaluate", run.path("run"), "--predictions", run.path("predictions.csv")])
            XCTAssertEqual(evaluated.status, 0, evaluated.text)
            XCTAssertEqual(table(evaluated.output), table(trained.output), "training prints the same table at its end as evaluation")
            for row in ["easy", "medium", "hard"] { XCTAssertTrue(evaluated.output.contains("\n\(row) "), evaluated.text) }
            XCTAssertEqual(
                try String(contentsOfFile: run.path("predictions.csv"), encoding: .utf8).split(separator: "\n").count, 25)

            try checkThatOtherEvaluationsAreNotSaved(run)

            let image = run.path("data/val/rings/00004.jpg")
            let predicted = try run.drnet(["predict", "--run", run.path("run"), image])
            XCTAssertEqual(predicted.status, 0, predicted.text)
            let cells = predicted.output.split(separator: "\n").last?.split(separator: "\t") ?? []
            XCTAssertEqual(cells.count, 5, predicted.text)
            XCTAssertTrue(["48", "32"].contains(cells[3]), predicted.text)

            let missing = try run.drnet(["predict", "--run", run.path("run"), run.path("none.jpg"), image])
            XCTAssertNotEqual(missing.status, 0)
            XCTAssertTrue(missing.errors.contains("none.jpg") && missing.output.contains("00004.jpg"), missing.text)
        }
    }

    private func checkThatOtherEvaluationsAreNotSaved(_ run: SmallRun) throws {
        let files = ["evaluation.json", "evaluation.txt"].map { run.path("run") + "/" + $0 }
        let before = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        for text in before { XCTAssertTrue(text.contains("hard"), "the difficulties are missing: \(text)") }
        // A name that needs quotes in YAML.
        let other = run.path("images: [2]")
        try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: run.path("data"))
        for options in [["--checkpoint", "best"], ["--data", other]] {
            let result = try run.drnet(["evaluate", run.path("run")] + options)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertEqual(try files.map { try String(contentsOfFile: $0, encoding: .utf8) }, before, "\(options)")
        }
    }

    /// Returns the table's names, accuracies, FLOPs and shares, without the times.
    private func table(_ output: String) -> [String] {
        output.split(separator: "\n").filter { line in
            ["dynamic ", "fixed ", "random", "oracle"].contains { line.hasPrefix($0) }
        }.map { line in line.split(separator: " ").prefix { !$0.hasSuffix("images/s") }.prefix(9).joined(separator: " ") }
    }

    func testInvalidConfigurationsEndTheRunBeforeAnyWork() throws {
        try withSmallRun { run in
            let cases = [
                ("optimizer.batchsize=3", "did you mean 'batchSize'?"), ("optimizer.batchSize=many", "takes a whole number, not 'many'"),
                ("data.folder=/nowhere", "/nowhere: there is no such folder"), ("policy.flopsTarget=0.01", "even the smallest resolution"),
                ("classifier.pretrained=/nowhere/x", "/nowhere/x: cannot read the file"),
            ]
            for (change, message) in cases {
                for ranks in [nil, 2] as [Int?] {
                    let result = try run.train("bad", ranks: ranks, ["--set", change])
                    XCTAssertFalse(result.timedOut)
                    XCTAssertNotEqual(result.status, 0, change)
                    XCTAssertTrue(result.errors.contains(message), "\(change) with \(ranks ?? 1) ranks: \(result.text)")
                    try? FileManager.default.removeItem(atPath: run.path("bad"))
                }
            }
        }
    }

    func testADamagedImageEndsTheRunAndTheErrorNamesIt() throws {
        try withSmallRun { run in
            let image = run.path("data/train/rings/00004.jpg")
            try Data("no image".utf8).write(to: URL(fileURLWithPath: image))
            for ranks in [nil, 2] as [Int?] {
                let result = try run.train("damaged-\(ranks ?? 0)", ranks: ranks)
                XCTAssertFalse(result.timedOut)
                XCTAssertNotEqual(result.status, 0)
                XCTAssertTrue(result.errors.contains("00004.jpg"), result.text)
            }
        }
    }

    func testDivergenceIsReportedAndCheckpointsAreKept() throws {
        try withSmallRun { run in
            let result = try run.train("run", ["--set", "stages.warmUp.learningRate.base=1e30"])
            XCTAssertNotEqual(result.status, 0)
            XCTAssertTrue(result.errors.contains("diverged at step"), result.text)
        }
    }

    func testRunsCompleteWithStraightThroughAndWithMobileNetAndWithoutFineTuning() throws {
        try withSmallRun { run in
            try run.complete("straight", ["--set", "policy.estimator=straight-through"])
            try run.complete("mobile", ["--set", "classifier.architecture=mobilenet_v2"])
            try run.complete("classifier-only", ["--set", "stages.fineTune=null"])
        }
    }

    func testACollapseOfThePolicyIsReportedOnce() throws {
        try withSmallRun { run in
            let options = [
                "policy={flopsTarget: 0.46, flopsWeight: 200}",
                "stages.fineTune={epochs: 8, learningRate: {base: 0.02}, predictorLearningRateMultiplier: 5}",
            ].flatMap { ["--set", $0] }
            let result = try run.train("run", options)
            XCTAssertEqual(result.status, 0, result.text)
            let words = "went to 32 pixels: the policy has collapsed onto one resolution"
            XCTAssertEqual(result.output.components(separatedBy: words).count, 2, result.text)
            let events = run.records("run").filter { $0.kind == "event" }
            XCTAssertEqual(events.count, 1, "\(events)")
            XCTAssertTrue(events[0].message?.contains(words) ?? false && events[0].stage == "fineTune", "\(events)")
            // A run that resumes after the report does not repeat it.
            try run.cut("run", to: "resumed", afterStep: events[0].step + 3)
            try run.complete("resumed", options + ["--resume"])
            XCTAssertEqual(run.records("resumed").filter { $0.kind == "event" }.count, 1)
            try run.complete("healthy", options + ["--set", "policy.flopsTarget=1", "--set", "policy.entropyWeight=0.5"])
            XCTAssertEqual(run.records("healthy").filter { $0.kind == "event" }.count, 0)
        }
    }

    func testRecordsDescribeThePolicy() throws {
        try withSmallRun { run in
            try run.complete(
                "run", ["--set", "policy={flopsPenalty: lagrangian, flopsTarget: 0.5, flopsWeight: 0.4, flopsWarmUpEpochs: 1}"])
            let steps = run.records("run").filter { $0.kind == "step" && $0.stage == "fineTune" }
            XCTAssertEqual(steps[0].entropy ?? .nan, log(2), accuracy: 1e-5, "the predictor starts uniform")
            for (index, step) in steps.prefix(5).enumerated() {
                XCTAssertEqual(step.flopsWeight ?? .nan, 0.4 * Double(index) / 5, accuracy: 1e-12, "the warm-up")
            }
            XCTAssertTrue(steps.prefix(5).allSatisfy { $0.multiplier == nil }, "there is no multiplier before the end of the warm-up")
            XCTAssertNotNil(steps[5].multiplier)
            for (before, step) in zip(steps.dropFirst(5), steps.dropFirst(6)) { XCTAssertEqual(step.flopsWeight, before.multiplier) }
            XCTAssertTrue(run.records("run").allSatisfy { $0.stage == "fineTune" || $0.flopsWeight == nil })
        }
    }

    func testInfoPrintsCostsAndWarnings() throws {
        let result = try ProcessRunner.run(
            try builtExecutable(named: "drnet"), ["info", repositoryRoot + "/configs/imagenet-dr-resnet50.yaml", "--classes", "1000"])
        XCTAssertEqual(result.status, 0, result.text)
        for text in ["25.66 M", "4.09", "2.5 ", "1.08", "4.91 M", "0.29"] {
            XCTAssertTrue(result.output.contains(text), "\(text): \(result.text)")
        }
        XCTAssertTrue(result.errors.contains("resolution 168 is not a multiple of the network's stride 32"), result.text)
    }

    func testInvalidNumbersOfClassesAreRejected() throws {
        for classes in ["-1", "0", "9223372036854775807"] {
            let result = try ProcessRunner.run(
                try builtExecutable(named: "drnet"), ["info", repositoryRoot + "/configs/quickstart.yaml", "--classes=\(classes)"])
            XCTAssertEqual(result.status, 64, result.text)
            XCTAssertTrue(result.errors.contains("--classes is \(classes); it must be 1 to"), result.text)
        }
    }
}
