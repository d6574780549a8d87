import Foundation
import TestSupport
import XCTest

/// Tests launch/study with real runs and with invalid arguments.
final class StudyTests: XCTestCase {
    private func launch(
        _ arguments: [String], timeout: TimeInterval = 120, whileRunning: (Process) -> Void = { _ in }
    ) throws -> ProcessRunner.Result {
        try ProcessRunner.run(
            repositoryRoot + "/launch/study", arguments,
            environment: [
                "DRNET": builtExecutable(named: "drnet"), "DRNET_THREADS": "1", "RANKS": "", "HOSTS": "", "MPI_OPTIONS": "--bind-to none",
            ],
            timeout: timeout, whileRunning: whileRunning)
    }

    func testAStoppedStudyResumesAndComparesVariantsFromTheSameWeights() throws {
        try withSmallRun { run in
            let variants = run.path("variants.txt")
            try "expected policy.estimator=expected\nprobe  policy.estimator=probe policy.flopsWeight=2 # and more\n"
                .write(toFile: variants, atomically: true, encoding: .utf8)
            let study = run.path("study")
            let arguments = [
                run.configuration, "--variants", variants, "--seeds", "5", "--folds", "2", "--output", study, "--ranks", "1",
                "--set", "stages.warmUp.epochs=1", "--set", "stages.fineTune.epochs=1",
            ]
            // The study is stopped during its first fine-tuning.
            var isSignalled = false
            let first = try launch(arguments) { process in
                guard !isSignalled, run.lastStep("study/seed-5-fold-1-of-2/expected") > 0 else { return }
                isSignalled = true
                kill(process.processIdentifier, SIGTERM)
            }
            XCTAssertEqual(first.status, 75, first.text)
            XCTAssertTrue(first.output.contains("[1/6] seed 5, fold 1/2: warm-up: done in "), first.text)
            XCTAssertTrue(first.output.contains("[2/6] seed 5, fold 1/2: expected: stopped"), first.text)

            let second = try launch(arguments)
            XCTAssertEqual(second.status, 0, second.text)
            XCTAssertTrue(
                second.output.contains("[1/6] seed 5, fold 1/2: warm-up: done before\n[2/6] seed 5, fold 1/2: expected: begins"),
                second.text)
            XCTAssertTrue(second.output.contains("[6/6] seed 5, fold 2/2: probe: done in "), second.text)
            // The two folds divide 58 training images.
            XCTAssertTrue(second.output.contains("One seed; 58 held-out images;"), second.text)
            for file in ["study.json", "study.md"] { XCTAssertTrue(FileManager.default.fileExists(atPath: "\(study)/\(file)"), file) }
            let log = try String(contentsOfFile: study + "/seed-5-fold-1-of-2/expected/train.log", encoding: .utf8)
            XCTAssertTrue(log.contains("resuming stage fineTune at epoch 1"), log)
            for fold in 1...2 {
                for variant in ["expected", "probe"] {
                    let place = "study/seed-5-fold-\(fold)-of-2"
                    let text = try String(contentsOfFile: run.path("\(place)/\(variant)/config.yaml"), encoding: .utf8)
                    let weights = try XCTUnwrap(run.checkpoints("\(place)/warm-up").last)
                    for line in ["seed: 5", "fold: \"\(fold)/2\"", "estimator: \(variant)", "pretrained: \"\(weights)\"", "warmUp: null"] {
                        XCTAssertTrue(text.contains(line), "\(place)/\(variant): no '\(line)': \(text)")
                    }
                    XCTAssertEqual(run.milestones("\(place)/\(variant)").first, "evaluation fineTune 1")
                }
            }

            let third = try launch(arguments)
            XCTAssertEqual(third.status, 0, third.text)
            XCTAssertEqual(third.output.components(separatedBy: ": done before").count, 7, third.text)
            let other = try launch(arguments + ["--set", "policy.flopsWeight=3"])
            XCTAssertEqual(other.status, 1, other.text)
            XCTAssertTrue(other.errors.contains("was begun with other settings"), other.text)
        }
    }

    func testRotationUsesTheNextFoldForEachSeed() throws {
        try withSmallRun { run in
            let result = try launch([
                run.configuration, "--estimators", "straight-through", "--seeds", "5,6,8", "--folds", "2", "--rotate", "--output",
                run.path("study"),
                "--ranks", "1", "--set", "predictor={widths: [8, 8, 16, 8, 8], inputSize: 32, warmStart: true}",
                "--set", "stages.warmUp.epochs=1", "--set", "stages.fineTune.epochs=1",
            ])
            XCTAssertEqual(result.status, 0, result.text)
            for place in ["[2/6] seed 5, fold 1/2: ", "[4/6] seed 6, fold 2/2: ", "[6/6] seed 8, fold 1/2: "] {
                XCTAssertTrue(result.output.contains(place + "straight-through: done in "), result.text)
            }
            XCTAssertTrue(result.output.contains("over 3 seeds; 58 held-out images"), result.text)
            XCTAssertFalse(result.output.contains("lacks"), result.text)
            let log = try String(contentsOfFile: run.path("study/seed-6-fold-2-of-2/straight-through/train.log"), encoding: .utf8)
            XCTAssertTrue(log.contains("the predictor starts from the classifier's stem"), log)
        }
    }

    func testAFailedRunEndsTheStudyWithItsReason() throws {
        try withSmallRun { run in
            let result = try launch([run.configuration, "--output", run.path("study"), "--ranks", "1", "--set", "data.folder=/nowhere"])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.errors.contains("/nowhere: there is no such folder"), result.text)
            XCTAssertTrue(result.errors.contains("seed 1: warm-up failed with status 1"), result.text)
        }
    }

    func testInvalidArgumentsAreRejectedAtOnce() throws {
        for (arguments, message) in [
            ([], "give a configuration"), (["nosuch"], "configs/nosuch.yaml: the file does not exist"),
            (["quickstart", "clothing"], "one configuration too many"),
            (["quickstart", "--seeds", "1,b"], "--seeds is '1,b'"), (["quickstart", "--folds", "1"], "--folds is '1'"),
            (["quickstart", "--ranks", "0"], "--ranks is '0'"),
            (["quickstart", "--estimators", "best"], "--estimators: 'best' is none of straight-through "),
            (["quickstart", "--variants", "/nowhere"], "/nowhere: the file does not exist"),
            (["quickstart", "--fold", "5"], "option '--fold' is unknown"),
            (["quickstart", "--rotate"], "--rotate needs --folds"), (["quickstart", "--seeds"], "--seeds needs a value"),
        ] as [([String], String)] {
            let result = try launch(arguments, timeout: 20)
            XCTAssertEqual(result.status, 64, "\(arguments): \(result.text)")
            XCTAssertTrue(result.errors.contains(message), "\(arguments): \(result.text)")
        }
    }

    func testTooManyFoldsAreRejected() throws {
        try withSmallRun { run in
            let result = try run.train("run", ["--set", "data.fold=1/30"])
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(result.errors.contains("cannot be divided into 30 folds"), result.text)
        }
    }
}
