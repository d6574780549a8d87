import Foundation
import TestSupport
import XCTest

/// Runs that use everything at once: a cascade, moving averages, mixed images, a teacher, class weights and layer decay.
final class CombinedRunTests: XCTestCase {
    private static func set(_ keys: [String]) -> [String] { keys.flatMap { ["--set", $0] } }

    /// Only warm-up, one epoch.
    private let teacher = set(["stages.fineTune=null", "stages.recalibrate=null", "stages.warmUp.epochs=1", "classifier.width=0.25"])

    private func everything(_ run: SmallRun) -> [String] {
        Self.set([
            "predictor.kind=cascade", "predictor.head=learned", "policy.flopsTarget=0.8", "optimizer.emaDecay=0.9",
            "data.augmentation={cropScale: [0.8, 1], trivialAugment: true, erasing: 0.3, mixup: 0.4, cutmix: 1, mixProbability: 0.8}",
            "distillation.teacher=\(run.path("teacher"))", "distillation.weight=0.6", "loss.classWeights=balanced",
            "stages.warmUp.distillation.weight=0.5", "optimizer.labelSmoothing=0.1", "optimizer.layerDecay=0.8",
        ])
    }

    private let deciders = [
        ("expected", set(["policy.estimator=expected"])), ("regression", set(["policy.estimator=regression"])),
        ("probe", set(["policy.estimator=probe"])),
    ]

    func testAKilledAndResumedRunHasTheSameBits() throws {
        try withSmallRun { run in
            try run.complete("teacher", teacher)
            for (ranks, decider) in zip([nil, 2, 3] as [Int?], deciders) {
                let options = everything(run) + decider.1
                try run.complete(decider.0, ranks: ranks, options)
                for step in [6, 18] {
                    let resumed = "\(decider.0)-\(step)"
                    try run.cut(decider.0, to: resumed, afterStep: step)
                    try run.complete(resumed, ranks: ranks, options + ["--resume"])
                    XCTAssertTrue(try run.weights(decider.0) == run.weights(resumed), "\(resumed), ranks \(ranks ?? 1)")
                    XCTAssertEqual(run.losses(decider.0), run.losses(resumed), resumed)
                }
            }
            XCTAssertNotEqual(run.losses("expected")[20], run.losses("regression")[20], "negative control: the runs differ")
        }
    }

    /// With small learning rates, rounding does not grow (docs/experiments.md).
    func testLossesDoNotDependOnTheNumberOfRanks() throws {
        let calm = Self.set([
            "resolutions=[64,32]", "optimizer.batchSize=120", "stages.warmUp.epochs=2", "stages.fineTune.epochs=4",
            "stages.warmUp.learningRate.base=1e-4", "stages.fineTune.learningRate.base=1e-4",
        ])
        try withSmallRun(trainingImages: 120) { run in
            try run.complete("teacher", teacher)
            for (name, decider) in deciders {
                let options = everything(run) + decider + calm
                try run.complete(name, options)
                let one = run.losses(name)
                XCTAssertFalse(one.isEmpty)
                for ranks in [2, 3] {
                    try run.complete("\(name) on \(ranks)", ranks: ranks, options)
                    let several = run.losses("\(name) on \(ranks)")
                    for (step, loss) in one { XCTAssertEqual(several[step] ?? .nan, loss, accuracy: 1e-4 * loss, "\(name), step \(step)") }
                }
            }
        }
    }
}
