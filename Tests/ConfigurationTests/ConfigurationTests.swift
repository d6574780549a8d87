import DynamicResolution
import Foundation
import ImageData
import TestSupport
import XCTest

@testable import Configuration

final class ConfigurationTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18}
        optimizer: {batchSize: 32}
        stages:
          warmUp: {epochs: 3, learningRate: {base: 0.1}}
          fineTune: {epochs: 2, learningRate: {base: 0.01}}
          recalibrate: {}
        """

    private func load(_ text: String, _ overrides: [String] = []) throws -> TrainingConfiguration {
        try withTemporaryFolder { folder in
            try text.write(toFile: folder + "/run.yaml", atomically: true, encoding: .utf8)
            return try TrainingConfiguration.load(path: folder + "/run.yaml", overrides: overrides)
        }
    }

    private func problems(_ text: String, _ overrides: [String] = []) -> [String] {
        configurationProblems { try load(text, overrides) }
    }

    func testDefaultsFillInAndTheResolvedTextLoadsToTheSame() throws {
        let configuration = try load(minimal)
        XCTAssertEqual(configuration.policy.estimator, .expected)
        XCTAssertEqual(configuration.optimizer.momentum, 0.9)
        XCTAssertEqual(configuration.stages.recalibrate?.batches, 50)
        XCTAssertEqual(try load(configuration.yaml()), configuration)
        XCTAssertNil(configuration.data.fold)
        let folded = try load(minimal, ["data.fold=2/5"])
        XCTAssertEqual(folded.data.fold?.description, "2/5")
        XCTAssertEqual(try load(folded.yaml()), folded)
    }

    func testTheOptionsOfAugmentationAndSamplingAreReadAndWrittenBack() throws {
        let standard = try load(minimal).data
        XCTAssertEqual(standard.augmentation, AugmentationOptions())
        XCTAssertFalse(standard.augmentation.mixing.isActive)
        XCTAssertEqual([standard.sampling == .shuffle, standard.repeats == 1, standard.resizeRatios == [1.143]], [true, true, true])
        let configuration = try load(
            minimal,
            [
                "data.augmentation={trivialAugment: true, erasing: 0.1, mixup: 0.2, cutmix: 1, mixProbability: 0.7}",
                "data.sampling=balanced", "data.repeats=3", "data.resizeRatio=[1.25, 1]",
            ])
        XCTAssertEqual(
            configuration.data.augmentation,
            AugmentationOptions(
                trivialAugment: true, erasing: 0.1, mixing: MixingOptions(mixup: 0.2, cutmix: 1, probability: 0.7)))
        XCTAssertEqual(configuration.data.sampling, .balanced)
        XCTAssertEqual(configuration.data.repeats, 3)
        XCTAssertEqual(configuration.data.resizeRatios, [1.25, 1])
        XCTAssertEqual(try load(configuration.yaml()), configuration)
    }

    func testTheOptionsOfDivergenceAndSavingAreReadAndWrittenBack() throws {
        let defaults = try load(minimal)
        XCTAssertEqual([defaults.divergence.skippedSteps, defaults.divergence.explodedSteps], [3, 20])
        XCTAssertEqual(defaults.divergence.lossFactor, 10)
        XCTAssertTrue(defaults.checkpoints.background)
        let changed = try load(
            minimal, ["divergence={skippedSteps: 0, lossFactor: 0.5, explodedSteps: 7}", "checkpoints={background: false}"])
        XCTAssertEqual(changed.divergence.lossFactor, 0.5)
        XCTAssertFalse(changed.checkpoints.background)
        XCTAssertEqual(try load(changed.yaml()), changed)
    }

    func testEachResolutionHasTheViewOfItsResizeRatio() throws {
        for (ratios, widest, views) in [("1.2", 1.2, [1, 1]), ("[1.25, 1]", 1, [0.8, 1]), ("[1.1, 1.1]", 1.1, [1, 1])] {
            let data = try load(minimal, ["data.resizeRatio=\(ratios)"]).data
            XCTAssertEqual(data.widestResizeRatio, widest, ratios)
            XCTAssertEqual(data.views(resolutionCount: 2), views, ratios)
        }
    }

    func testTheProjectsOwnConfigurationsLoadAndComeBack() throws {
        for name in ["quickstart", "clothing", "fine-tune", "imagenet-dr-resnet50", "study/predictor"] {
            let configuration = try TrainingConfiguration.load(path: "\(repositoryRoot)/configs/\(name).yaml", overrides: [])
            XCTAssertEqual(try load(configuration.yaml()), configuration, name)
        }
    }

    func testDeterministicRunsNeedFixedProductsAndImagesThatStay() throws {
        func found(_ overrides: String...) -> [String] { problems(minimal, ["deterministic=true"] + overrides) }
        XCTAssertTrue(found().first?.contains("kernels.products is auto") ?? false, "\(found())")
        let moving = found("kernels.products=tiles", "communication.balance=flops")
        XCTAssertTrue(moving.first?.contains("communication.balance is flops") ?? false, "\(moving)")
        let rounded = found("kernels.products=tiles", "communication.gradients=bfloat16")
        XCTAssertTrue(rounded.first?.contains("communication.gradients is bfloat16") ?? false, "\(rounded)")
        let chosen = found("kernels.products=tiles", "kernels.precision=auto")
        XCTAssertTrue(chosen.first?.contains("'kernels.precision' is auto") ?? false, "\(chosen)")
        XCTAssertEqual(found("kernels.products=tiles"), [])
        XCTAssertEqual(found("kernels.products=tiles", "kernels.precision=bfloat16"), [])
    }

    func testOverridesSetMakeAndRemoveKeys() throws {
        let configuration = try load(
            minimal,
            [
                "optimizer.batchSize=64", "data.folder=a=b", "stages.recalibrate=null", "policy.flopsTarget=2.5G",
                "policy.temperature={start: 5, end: 0.5}",
            ])
        XCTAssertEqual(configuration.optimizer.batchSize, 64)
        XCTAssertEqual(configuration.data.folder, "a=b")
        XCTAssertNil(configuration.stages.recalibrate)
        XCTAssertEqual(configuration.policy.flopsTarget, .multiplyAdds(2.5e9))
        XCTAssertEqual(configuration.policy.temperature(progress: 0.5), (5 * 0.5).squareRoot(), accuracy: 1e-9)
    }

    func testTargetsAreSharesOrMultiplyAdds() throws {
        for (text, target) in [
            ("0.6", .share(0.6)), ("1", .share(1)), ("2.5G", .multiplyAdds(2.5e9)), ("250M", .multiplyAdds(2.5e8)),
            ("2500000K", .multiplyAdds(2.5e9)), ("2500000000", .multiplyAdds(2.5e9)),
        ] as [(String, ComputeCost)] {
            XCTAssertEqual(try load(minimal, ["policy.flopsTarget=\(text)"]).policy.flopsTarget, target, text)
        }
        for text in ["0", "-1", "2.5X", "nan", ".inf", "G", "2.5g", "[1]", "0x1p3", "0x1G", "1_000M", "1e308G", "\"2.5 G\""] {
            XCTAssertTrue(
                problems(minimal, ["policy.flopsTarget=\(text)"]).first?.contains("such as 2.5G, 300M or 40K") ?? false, text)
        }
        XCTAssertEqual([2.5e9, 3e8, 4e4, 12].map { ComputeCost.text(multiplyAdds: $0) }, ["2.5G", "300M", "40K", "0.012K"])
    }

    /// A ResNet-152 of eight times the width has 15 GB of parameters.
    func testTheChecksOfAConfigurationAllocateNoNetwork() throws {
        func peakBytes() throws -> Int {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") })
            return try XCTUnwrap(Int(line.filter(\.isNumber))) * 1024
        }
        let before = try peakBytes()
        let overrides = ["classifier.architecture=resnet152", "classifier.width=8", "predictor.widths=[512, 64, 128, 256, 512]"]
        XCTAssertEqual(problems(minimal, overrides), [])
        XCTAssertTrue(problems(minimal, overrides + ["policy.flopsTarget=1M"]).first?.contains("even the smallest resolution") ?? false)
        XCTAssertTrue(try load(minimal, overrides + ["predictor.warmStart=true"]).hasWarmStart)
        XCTAssertLessThan(try peakBytes() - before, 1_000_000_000)
    }

    func testTheWeightOfTheFLOPsRisesInItsWarmUp() throws {
        let policy = try load(minimal, ["policy.flopsWarmUpEpochs=2"]).policy
        XCTAssertEqual([0, 0.5, 2, 5].map(policy.flopsWarmUp), [0, 0.25, 1, 1])
        XCTAssertEqual(try load(minimal).policy.flopsWarmUp(at: 0), 1, "without one it is there at once")
    }

    func testEveryProblemNamesFileLineKeyAndWhatIsAllowed() {
        let cases: [(String, String, String)] = [
            ("batchSize: 32", "batchsize: 32", ":4: key 'optimizer.batchsize' is unknown; did you mean 'batchSize'?"),
            ("batchSize: 32", "momentum: 0.5", "key 'optimizer.batchSize' is missing"),
            ("batchSize: 32", "batchSize: many", ":4: key 'optimizer.batchSize' takes a whole number, not 'many'"),
            ("batchSize: 32", "batchSize: 0", "key 'optimizer.batchSize' is 0; 1 to 1000000"),
            ("batchSize: 32", "batchSize: 32, momentum: 1", "key 'optimizer.momentum' is 1; allowed is 0 or more and below 1"),
            ("batchSize: 32", "batchSize: 32, nesterov: maybe", "takes true or false, not 'maybe'"),
            ("batchSize: 32", "batchSize: 32, accumulationSteps: 5", "accumulationSteps 5 does not divide"),
            ("resnet18", "resnet19", "is 'resnet19'; allowed are resnet18, resnet34"),
            ("[96, 64]", "[64, 96]", "list each resolution once, largest first"),
            ("[96, 64]", "[96]", "list two at least"),
            ("[96, 64]", "96", "key 'resolutions' takes a list of whole numbers, not '96'"),
            ("{folder: photos}", "{folder: photos, mean: [1, 2]}", "takes a list of 3 numbers"),
            ("{folder: photos}", "{folder: photos, resizeRatio: []}", "takes a number or a list of numbers"),
            ("{folder: photos}", "{folder: photos, resizeRatio: [1.1, 0.9]}", "key 'data.resizeRatio' is 0.9; allowed is 1 to 4"),
            ("{folder: photos}", "{folder: photos, resizeRatio: [1.1, 1, 1]}", "has 3 numbers, but there are 2 resolutions"),
            ("{folder: photos}", "{folder: photos, sampling: even}", "is 'even'; allowed are shuffle, balanced"),
            ("{folder: photos}", "{folder: photos, repeats: 0}", "key 'data.repeats' is 0; 1 to 16"),
            ("{folder: photos}", "{folder: photos, augmentation: {cutmix: -1}}", "'data.augmentation.cutmix' is -1; allowed is 0 to 10"),
            (
                "{folder: photos}", "{folder: photos, fold: 6/5}",
                ":2: key 'data.fold' is '6/5'; write the part and the number of parts, such as 2/5"
            ),
            ("{folder: photos}", "{folder: photos, fold: [1, 5]}", "key 'data.fold' takes a text, not a list of 2"),
            ("{folder: photos}", "photos", "key 'data' takes a section of keys, not 'photos'"),
            ("base: 0.1", "base: 1e400", "takes a number, not '1e400'"),
            (
                "base: 0.1", "base: 0.1, warmUpEpochs: 3.5",
                ":6: key 'stages.warmUp.learningRate.warmUpEpochs' is 3.5, but the stage has 3 epochs"
            ),
            (
                "stages:", "policy: {estimator: dense, batchNormImages: routed}\nstages:",
                ":5: key 'policy.batchNormImages' is routed, but policy.estimator dense runs every image at every resolution"
            ),
            (
                "stages:", "policy: {estimator: probe, batchNormImages: all}\nstages:",
                ":5: key 'policy.batchNormImages' is all, but policy.estimator probe does not run every image at every resolution"
            ),
            ("stages:", "policy: {flopsPenalty: soft}\nstages:", "is 'soft'; allowed are hinge, two-sided, lagrangian"),
            ("stages:", "policy: {multiplierRate: 0}\nstages:", "key 'policy.multiplierRate' is 0; allowed is a number above 0"),
            (
                "stages:", "policy: {balanceWeight: -1, entropyWeight: 0.1}\nstages:",
                "key 'policy.balanceWeight' is -1; allowed is 0 or more"
            ),
            ("stages:", "policy: {entropyWeight: -0.1}\nstages:", "key 'policy.entropyWeight' is -0.1; allowed is 0 or more"),
            (
                "stages:", "policy: {flopsWarmUpEpochs: 3}\nstages:",
                ":5: key 'policy.flopsWarmUpEpochs' is 3, but stages.fineTune has 2 epochs; it cannot be more"
            ),
            ("stages:", "predictor: {lastLayerScale: 2}\nstages:", "key 'predictor.lastLayerScale' is 2; allowed is 0 to 1"),
            ("stages:", "policy: {estimator: best}\nstages:", "is 'best'; allowed are straight-through, dense, expected, probe"),
            (
                "base: 0.1}", "base: 0.1}, distillation: {weight: -1}",
                ":6: key 'stages.warmUp.distillation.weight' is -1; allowed is 0 or more"
            ),
            ("base: 0.1}", "base: 0.1}, distillation: 1", "key 'stages.warmUp.distillation' takes a section of keys, not '1'"),
            (
                "base: 0.01}", "base: 0.01}, freeze: all",
                ":7: key 'stages.fineTune.freeze' is 'all'; allowed are none, classifier, predictor"
            ),
            (
                "base: 0.01}", "base: 0.01}, freeze: predictor",
                ":7: key 'stages.fineTune.freeze' is predictor, but the predictor is untrained"
            ),
            (
                "  warmUp: {epochs: 3, learningRate: {base: 0.1}}\n  fineTune: {", "  fineTune: {freeze: classifier, ",
                ":6: key 'stages.fineTune.freeze' is classifier, but the classifier would keep its random initial weights"
            ),
            ("stages:", "predictor: {warmStart: maybe}\nstages:", "key 'predictor.warmStart' takes true or false, not 'maybe'"),
            (
                "stages:", "predictor: {warmStart: true, pretrained: p}\nstages:",
                ":5: key 'predictor.warmStart' is true, but predictor.pretrained defines the predictor's initial weights"
            ),
            (
                "stages:", "predictor: {warmStart: true, widths: [32, 64, 128, 256, 512]}\nstages:",
                ":5: key 'predictor.warmStart' is true, but the stem of classifier.architecture resnet18 at width 1"
            ),
            (
                "stages:", "policy: {flopsTarget: 0.3}\nstages:",
                ":5: key 'policy.flopsTarget' is 0.0999 G multiply-adds, but even the smallest resolution"
            ),
        ]
        for (old, new, message) in cases {
            let text = minimal.replacingOccurrences(of: old, with: new)
            let found = problems(text)
            XCTAssertTrue(found.contains { $0.contains("run.yaml") && $0.contains(message) }, "\(new): \(found)")
        }
        XCTAssertEqual(problems(minimal.replacingOccurrences(of: "base: 0.1", with: "base: 0.1, warmUpEpochs: 3")), [], "all of the stage")
        XCTAssertTrue(
            problems(minimal, ["policy.flopsTarget=1M"]).contains {
                $0.hasPrefix("--set policy.flopsTarget=1M: key 'policy.flopsTarget' is 0.001 G")
            })
        XCTAssertTrue(problems("a: [").first?.contains("not valid YAML") ?? false)
        XCTAssertTrue(problems("").contains { $0.contains("'resolutions' is missing") })
    }

    func testWarmStartsAndFrozenPartsNeedSomethingThatHasLearnt() throws {
        func found(_ overrides: String...) -> [String] { problems(minimal, overrides) }
        XCTAssertEqual(found("predictor.warmStart=true"), [])
        XCTAssertTrue(
            found("predictor.warmStart=true", "stages.warmUp=null").first?.contains("the classifier would be untrained") ?? false)
        XCTAssertEqual(found("predictor.warmStart=true", "stages.warmUp=null", "classifier.pretrained=c"), [])
        XCTAssertTrue(found("predictor.warmStart=true", "stages.fineTune=null").first?.contains("has no layers to copy") ?? false)
        XCTAssertTrue(
            found("predictor.warmStart=true", "predictor.kind=network", "stages.fineTune=null").first?.contains("there is no predictor")
                ?? false)
        XCTAssertEqual(found("stages.fineTune.freeze=classifier"), [])
        XCTAssertEqual(found("stages.fineTune.freeze=classifier", "policy.estimator=dense"), [])
        XCTAssertTrue(
            found("stages.fineTune.freeze=classifier", "policy.batchNormImages=all").first?.contains(
                "running statistics: remove that key") ?? false)
        func predictor(_ override: String...) -> [String] {
            problems(minimal, ["stages.fineTune.freeze=predictor", "predictor.pretrained=p"] + override)
        }
        XCTAssertEqual(predictor(), [])
        XCTAssertTrue(predictor("policy.estimator=dense").first?.contains("policy.estimator dense needs every resolution") ?? false)
        XCTAssertTrue(
            predictor("policy.batchNormImages=all").first?.contains("policy.batchNormImages all needs every resolution") ?? false)
        XCTAssertTrue(predictor("policy.flopsPenalty=lagrangian").first?.contains("policy.flopsPenalty lagrangian") ?? false)
        let mobile = found("predictor.warmStart=true", "classifier.architecture=mobilenet_v2", "policy.flopsTarget=0.9")
        XCTAssertTrue(mobile.first?.contains("the stem of classifier.architecture mobilenet_v2") ?? false, "\(mobile)")
    }

    func testNoDistillationIsTheDefaultAndSoIsAWeightOfZero() throws {
        XCTAssertNil(try load(minimal).stages.warmUp?.distillation)
        XCTAssertNil(try load(minimal, ["stages.warmUp.distillation.weight=0"]).stages.warmUp?.distillation)
        let configuration = try load(
            minimal, ["stages.warmUp.distillation.weight=0.7", "stages.fineTune.freeze=classifier", "predictor.warmStart=true"])
        XCTAssertEqual(configuration.stages.warmUp?.distillation?.weight, 0.7)
        XCTAssertEqual(try load(configuration.yaml()), configuration)
    }

    func testAllProblemsAreToldAtOnceAndThoseOfOverridesAsSuch() {
        let found = problems(minimal + "\ncolour: blue", ["optimizer.momentum=2", "data.folder=5x", "nonsense"])
        XCTAssertEqual(found.count, 1, "a malformed override is reported first: \(found)")
        let more = problems(minimal + "\ncolour: blue", ["optimizer.momentum=2"])
        XCTAssertEqual(more.count, 2, "\(more)")
        XCTAssertTrue(more.contains { $0.hasPrefix("--set optimizer.momentum=2: key 'optimizer.momentum'") }, "\(more)")
    }

    func testEveryKeyIsDocumentedAndEveryDocumentedKeyExists() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/configuration.md", encoding: .utf8)
        let documented = Set(
            text.split(separator: "\n").compactMap { line -> String? in
                guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
                let key = String(line.dropFirst(3)[..<end])
                return key.first!.isUppercase ? nil : key
            })
        let known = Set(
            try load(minimal).text.keys().map { key in
                key.replacingOccurrences(of: "stages.warmUp.learningRate.", with: "learningRate.")
                    .replacingOccurrences(of: "stages.fineTune.learningRate.", with: "learningRate.")
            })
        XCTAssertEqual(documented.subtracting(known), [], "documented, but not there")
        XCTAssertEqual(known.subtracting(documented), [], "there, but not documented")
    }

    func testSchedules() throws {
        func schedule(_ text: String) throws -> LearningRateSchedule {
            try XCTUnwrap(load(minimal, ["stages.warmUp.learningRate={\(text)}"]).stages.warmUp).learningRate
        }
        let cosine = try schedule("base: 1, warmUpEpochs: 2, finalFraction: 0.1")
        XCTAssertEqual(cosine.rate(at: 1, of: 12), 0.5)
        XCTAssertEqual(cosine.rate(at: 2, of: 12), 1)
        XCTAssertEqual(cosine.rate(at: 7, of: 12), 0.55, accuracy: 1e-12)
        XCTAssertEqual(cosine.rate(at: 12, of: 12), 0.1, accuracy: 1e-12)
        let step = try schedule("base: 1, kind: step, everyEpochs: 20, factor: 0.1")
        XCTAssertEqual(step.rate(at: 19.9, of: 70), 1)
        XCTAssertEqual(step.rate(at: 40, of: 70), 0.01, accuracy: 1e-12)
        XCTAssertEqual(try schedule("base: 0.3, kind: constant").rate(at: 50, of: 70), 0.3)
    }

    func testEvenWorkIsAChoiceAndOffByDefault() throws {
        XCTAssertEqual(try load(minimal, []).communication.balance, TrainingConfiguration.WorkBalance.none)
        let balanced = try load(minimal, ["communication.balance=flops"])
        XCTAssertEqual(balanced.communication.balance, .flops)
        XCTAssertEqual(balanced.values["communication.balance"], "flops")
        XCTAssertEqual(try load(balanced.yaml(), []), balanced)
        XCTAssertThrowsError(try load(minimal, ["communication.balance=time"])) {
            XCTAssertTrue("\($0)".contains("none") && "\($0)".contains("flops"), "\($0)")
        }
    }

    func testGradientsTravelInBFloat16OnlyIfOurOwnSumsAreUsed() throws {
        XCTAssertEqual(try load(minimal, []).communication.gradients, .float32)
        let rounded = try load(minimal, ["communication.gradients=bfloat16"])
        XCTAssertEqual(rounded.communication.gradients, .bfloat16)
        XCTAssertEqual(try load(rounded.yaml(), []), rounded)
        let found = problems(minimal, ["communication.gradients=bfloat16", "communication.algorithm=library"])
        XCTAssertTrue(found.first?.contains("algorithm is library") ?? false, "\(found)")
    }

    func testExpectedShowsAllImagesToTheBatchNormsUnlessAPartIsFrozen() throws {
        func images(_ overrides: String...) throws -> BatchNormImages { try load(minimal, overrides).policy.batchNormImages }
        XCTAssertEqual(try images(), .all)
        XCTAssertEqual(try images("policy.batchNormImages=routed"), .routed)
        XCTAssertEqual(try images("policy.estimator=probe"), .routed)
        XCTAssertEqual(try images("policy.estimator=dense"), .all)
        XCTAssertEqual(try images("stages.fineTune.freeze=classifier"), .routed)
        XCTAssertEqual(try images("stages.fineTune.freeze=predictor", "predictor.pretrained=p"), .routed)
    }
}
