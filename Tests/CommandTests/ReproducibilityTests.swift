import Foundation
import TestSupport
import XCTest

/// Tests that whole runs are reproducible, including runs with real ranks.
final class ReproducibilityTests: XCTestCase {
    /// Each step uses the whole data set and a small learning rate. At a large rate, a rounding difference that flips a single ReLU grows
    /// tenfold per step in any implementation, and would hide the compared differences (docs/experiments.md).
    private let calm = [
        "resolutions=[64,32]", "optimizer.batchSize=120", "policy.flopsTarget=0.8", "stages.warmUp.epochs=10",
        "stages.fineTune.epochs=10", "stages.warmUp.learningRate.base=1e-4", "stages.fineTune.learningRate.base=1e-4",
    ].flatMap { ["--set", $0] }

    func testLossesDoNotDependOnTheNumberOfRanksWithGlobalBatchNorm() throws {
        try withSmallRun(trainingImages: 120) { run in
            try run.complete("one", calm)
            let one = run.losses("one")
            XCTAssertEqual(one.count, 20)
            for ranks in [2, 3] {
                try run.complete("\(ranks)", ranks: ranks, calm)
                XCTAssertLessThan(largestDifference(run.losses("\(ranks)"), one), 1e-4, "\(ranks) ranks")
            }
            // The negative controls: local batch norm, which normalises within a rank, and a learning rate that is 25 % larger.
            try run.complete("local", ranks: 2, calm + ["--set", "batchNorm.mode=local"])
            XCTAssertGreaterThan(largestDifference(run.losses("local"), one), 1e-3)
            try run.complete("faster", calm + ["--set", "stages.warmUp.learningRate.base=1.25e-4"])
            XCTAssertGreaterThan(largestDifference(run.losses("faster"), one), 2e-4)
        }
    }

    func testNoEstimatorDependsOnTheNumberOfRanks() throws {
        try withSmallRun(trainingImages: 120) { run in
            for setting in ["estimator=straight-through", "estimator=dense", "estimator=probe", "batchNormImages=all"] {
                let options = calm + [setting, "flopsPenalty=lagrangian", "balanceWeight=0.1"].flatMap { ["--set", "policy." + $0] }
                try run.complete(setting, options)
                try run.complete(setting + " on 2", ranks: 2, options)
                XCTAssertLessThan(largestDifference(run.losses(setting + " on 2"), run.losses(setting)), 1e-4, setting)
            }
            XCTAssertGreaterThan(
                largestDifference(run.losses("estimator=dense"), run.losses("estimator=probe")), 1e-4, "the comparison can fail")
        }
    }

    /// Images move in fine-tuning only, so one epoch of warm-up is enough.
    func testEvenWorkChangesRoundingOnly() throws {
        let short = ["stages.warmUp.epochs=1", "optimizer.batchSize=60", "evaluation.everyEpochs=100"].flatMap { ["--set", $0] }
        let steps = 11
        try withSmallRun(trainingImages: 60) { run in
            for estimator in ["straight-through", "expected", "probe"] {
                let options = calm + short + ["--set", "policy.estimator=\(estimator)"]
                let balanced = options + ["--set", "communication.balance=flops"]
                try run.complete(estimator, options)
                for ranks in [1, 2, 3, 4] where ranks > 2 || estimator != "expected" {
                    try run.complete("\(estimator) \(ranks)", ranks: ranks, balanced)
                    let difference = largestDifference(run.losses("\(estimator) \(ranks)"), run.losses(estimator), steps: steps)
                    XCTAssertLessThan(difference, 1e-4, "\(estimator), \(ranks) ranks")
                }
            }
            // Images have moved: without that, the bits would be the same.
            try run.complete("unmoved", ranks: 3, calm + short + ["--set", "policy.estimator=probe"])
            XCTAssertFalse(try run.weights("unmoved") == run.weights("probe 3"), "no image has moved")
        }
    }

    func testGradientAccumulationDoesNotDependOnTheNumberOfRanks() throws {
        try withSmallRun(trainingImages: 120) { run in
            let options = calm + ["--set", "optimizer.accumulationSteps=2"]
            try run.complete("one", options)
            try run.complete("two", ranks: 2, options)
            XCTAssertLessThan(largestDifference(run.losses("two"), run.losses("one")), 1e-4)
        }
    }

    /// Returns the largest relative difference over the first steps.
    private func largestDifference(_ losses: [Int: Double], _ expected: [Int: Double], steps: Int = 20) -> Double {
        (1...steps).map { step in
            guard let a = losses[step], let b = expected[step] else { return .infinity }
            return abs(a - b) / abs(b)
        }.max()!
    }

    func testTheSameNumberOfRanksGivesTheSameBits() throws {
        try withSmallRun { run in
            for ranks in [nil, 2] as [Int?] {
                let names = ["a", "b", "other-seed"].map { "\($0)-\(ranks ?? 0)" }
                for name in names {
                    try run.complete(name, ranks: ranks, name.hasPrefix("other") ? ["--set", "seed=4"] : [])
                }
                XCTAssertTrue(try run.weights(names[0]) == run.weights(names[1]), "\(ranks ?? 1) ranks, twice")
                XCTAssertEqual(run.losses(names[0]), run.losses(names[1]))
                XCTAssertFalse(try run.weights(names[0]) == run.weights(names[2]), "the comparison can fail")
            }
        }
    }

    func testBitsDoNotDependOnTheNumberOfThreads() throws {
        try withSmallRun { run in
            try run.complete("one")
            let result = try ProcessRunner.run(
                try builtExecutable(named: "drnet"), ["train", run.configuration, "-o", run.path("two")],
                environment: ["DRNET_THREADS": "2"], timeout: 60)
            XCTAssertEqual(result.status, 0, result.text)
            XCTAssertTrue(try run.weights("one") == run.weights("two"))
        }
    }

    func testAKilledAndResumedRunEndsWithTheSameBits() throws {
        try withSmallRun { run in
            for (ranks, balance) in [(nil, "none"), (2, "none"), (3, "flops")] as [(Int?, String)] {
                let options = ["--set", "stages.fineTune.epochs=10", "--set", "communication.balance=\(balance)"]
                let (whole, killed) = ("whole-\(ranks ?? 0)", "killed-\(ranks ?? 0)")
                try run.complete(whole, ranks: ranks, options)
                // Once in warm-up and once in fine-tuning, in the middle of an epoch.
                for step in [7, 22] {
                    let result = try run.train(killed, ranks: ranks, options + (step == 7 ? [] : ["--resume"])) { process in
                        if run.losses(killed).keys.max() ?? 0 >= step { killRanks(of: process) }
                    }
                    XCTAssertNotEqual(result.status, 0, "the run should have been killed: \(result.text)")
                }
                let resumed = try run.train(killed, ranks: ranks, options + ["--resume"])
                XCTAssertEqual(resumed.status, 0, resumed.text)
                XCTAssertTrue(resumed.output.contains("resuming stage fineTune"), resumed.text)
                XCTAssertTrue(try run.weights(whole) == run.weights(killed), "\(ranks ?? 1) ranks")
                XCTAssertEqual(run.losses(whole), run.losses(killed))
            }
        }
    }

    /// Sends SIGKILL to the process, or to one of mpirun's ranks.
    private func killRanks(of process: Process) {
        let parent = process.processIdentifier
        kill(ProcessRunner.children(of: parent).last ?? parent, SIGKILL)
    }
}
