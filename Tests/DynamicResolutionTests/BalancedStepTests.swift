import Communication
import NeuralNetwork
import TestSupport
import XCTest

@testable import DynamicResolution

/// Compares steps whose images move between the ranks with steps whose images stay. The noise of the reference case routes image i to
/// resolution i mod 3.
final class BalancedStepTests: XCTestCase {
    private final class Ranks: StatisticsReducer, ImageExchange {
        let communicator: Communicator
        /// Floats that this rank sent to others.
        var moved = 0
        var rank: Int { communicator.rank }
        var rankCount: Int { communicator.rankCount }

        init(_ communicator: Communicator) { self.communicator = communicator }

        func sumOverRanks(_ values: UnsafeMutableBufferPointer<Double>, label: String) throws {
            try communicator.allReduceSum(values, label: label)
        }

        func allGather(_ values: [Int32], label: String) throws -> [[Int32]] {
            try communicator.allGatherStrings(values.map(String.init).joined(separator: " "), label: label)
                .map { $0.split(separator: " ").map { Int32($0)! } }
        }

        func allToAll(
            _ values: UnsafeBufferPointer<Float>, counts: [Int], into received: UnsafeMutableBufferPointer<Float>,
            counts receivedCounts: [Int], label: String
        ) throws {
            XCTAssertEqual(counts[rank], 0, "no image moves to its own rank")
            moved += values.count
            try communicator.allToAll(values, counts: counts, into: received, counts: receivedCounts, label: label)
        }
    }

    /// How a step is run.
    private struct Setting {
        var estimator: PolicyEstimator = StraightThrough()
        var images = BatchNormImages.routed
        var globalBatchNorm = true
        var head: CascadeHead?
        var frozen = FrozenPart.none
        var mixesAndTeaches = false
        var balances = true
    }

    /// The results of a step, summed over the ranks.
    private struct Sums {
        var classifier: [Float] = []
        var predictor: [Float] = []
        var statistics: [Float] = []
        var report = StepReport(resolutionCount: 3)
        var moved = 0.0
        /// The gradients of each rank before they are summed.
        var own: [[Float]] = []
    }

    /// - Parameter placement: the images of each micro-batch of each rank.
    private func step(_ placement: [[[Int]]], _ setting: Setting) throws -> Sums {
        let reference = ReferenceCase.resnet18
        let lock = NSLock()
        var result = Sums()
        result.own = placement.map { _ in [] }
        try InMemoryCommunicator.run(rankCount: placement.count) { communicator in
            let model = reference.makeModel(head: setting.head)
            let ranks = communicator.rankCount > 1 ? Ranks(communicator) : nil
            let mixes = setting.mixesAndTeaches
            let step = TrainingStep(
                model: model, ranks: ranks, globalBatchNorm: setting.globalBatchNorm,
                loss: ClassificationLoss(
                    labelSmoothing: 0.1, classWeights: mixes ? [0.5, 2, 1, 0.7, 1.3] : [],
                    distillation: mixes ? TeacherDistillation(weight: 0.4, temperature: 3) : nil),
                teacher: mixes ? Teacher(reference.makeTeacher(), inputSize: 64, imageSize: reference.resolutions[0]) : nil,
                balance: setting.balances ? ranks : nil)
            var options = reference.options(setting.estimator, model, setting.images)
            options.frozen = setting.frozen
            var own = Sums()
            own.report = try step.fineTune(
                placement[communicator.rank].map { reference.batch($0, mixes: mixes) }, globalCount: ReferenceCase.images, options)
            own.classifier = Array(model.classifier.arena.gradients)
            own.predictor = model.predictor.map { Array($0.arena.gradients) } ?? []
            lock.withLock { result.own[communicator.rank] = own.classifier + own.predictor }
            var statistics = step.statistics.flatMap(\.sums)
            var numbers = own.report.vector + [Double(ranks?.moved ?? 0)]
            try communicator.allReduceSum(&own.classifier, label: "classifier")
            try communicator.allReduceSum(&own.predictor, label: "predictor")
            try communicator.allReduceSum(&statistics, label: "statistics")
            try communicator.allReduceSum(&numbers, label: "numbers")
            own.statistics = statistics.map { Float($0) }
            own.moved = numbers.removeLast()
            own.report.vector = numbers
            if communicator.rank == 0 {
                lock.withLock {
                    own.own = result.own
                    result = own
                }
            }
        }
        return result
    }

    private func assertEqual(_ several: Sums, _ one: Sums, _ what: String) {
        XCTAssertLessThan(relativeDifference(several.classifier, one.classifier), 1e-4, what)
        if one.predictor.contains(where: { $0 != 0 }) {
            XCTAssertLessThan(relativeDifference(several.predictor, one.predictor), 1e-4, what)
        }
        XCTAssertLessThan(relativeDifference(several.statistics, one.statistics), 1e-4, what)
        for (a, b) in zip(several.report.vector, one.report.vector) { XCTAssertEqual(a, b, accuracy: 1e-4 * max(abs(b), 1), what) }
        XCTAssertEqual(several.report.penaltySum, one.report.penaltySum, accuracy: 1e-5, what)
    }

    private let everything = Array(0..<ReferenceCase.images)
    /// All images of a resolution on one rank, and a rank without images.
    private let placements: [[[Int]]] = [
        [[0, 3, 6], [1, 2, 4, 5, 7, 8]], [[8, 2, 5, 7, 0], [], [1, 3, 4, 6]], [[0, 3, 6], [1, 4], [7, 2], [5, 8]],
    ]

    private let routing: Set = ["straight-through", "expected", "expected-all", "probe"]

    func testEvenWorkGivesTheGradientsOfOneRank() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                let setting = Setting(estimator: estimator, images: images, head: head)
                let one = try step([[everything]], setting)
                for placement in placements {
                    let several = try step(placement.map { [$0] }, setting)
                    assertEqual(several, one, "\(name), head \(String(describing: head)), \(placement.count) ranks")
                    XCTAssertEqual(several.moved > 0, routing.contains(name), "images move exactly if they are routed: \(name)")
                }
            }
        }
    }

    func testEvenWorkOfMicroBatches() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            let setting = Setting(estimator: estimator, images: images)
            let one = try step([[[0, 1, 2, 3, 6], [4, 5, 7, 8]]], setting)
            // The second micro-batch of the last case is even already, and its images stay.
            for placement in [[[[0, 3, 6], [4]], [[1, 2], [5, 7, 8]]], [[[], [4, 7]], [[0, 3], [5, 8]], [[6, 1, 2], []]]] {
                assertEqual(try step(placement, setting), one, "\(name), \(placement.count) ranks")
            }
        }
    }

    func testMixedLabelsAndTheTeachersAnswersMoveWithTheImages() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                let setting = Setting(estimator: estimator, images: images, head: head, mixesAndTeaches: true)
                let one = try step([[everything]], setting)
                XCTAssertGreaterThan(one.report.distillationSum, 0.1)
                for placement in placements {
                    assertEqual(try step(placement.map { [$0] }, setting), one, "\(name), \(placement.count) ranks")
                }
            }
        }
    }

    func testEvenWorkWithAFrozenPart() throws {
        for frozen in [FrozenPart.predictor, .classifier] {
            for (name, estimator, images) in ReferenceCase.estimators {
                let setting = Setting(estimator: estimator, images: images, frozen: frozen)
                let one = try step([[everything]], setting)
                for placement in placements {
                    let several = try step(placement.map { [$0] }, setting)
                    assertEqual(several, one, "\(name), frozen \(frozen), \(placement.count) ranks")
                    if frozen == .classifier { XCTAssertEqual(several.moved, 0, name) }
                }
            }
        }
    }

    /// With local batch norm, the classifier learns as if the images of the plan had been on its rank from the beginning.
    func testLocalBatchNormNormalisesWhatTheRankComputes() throws {
        let placement = [[0, 3, 6, 1], [2, 5, 8, 4, 7]]
        let setting = Setting(globalBatchNorm: false)
        let balanced = try step(placement.map { [$0] }, setting)
        XCTAssertGreaterThan(balanced.moved, 0)

        let model = ReferenceCase.resnet18.makeModel()
        let work = BalancePlan.Work(
            counts: placement.map { images in (0..<6).map { kind in images.filter { $0 % 3 == kind }.count } },
            costs: model.flops.classifier.map { 3 * Int($0) } + model.flops.classifier.map { Int($0) },
            sizes: model.resolutions.map { $0 * $0 } + model.resolutions.map { $0 * $0 },
            fixed: placement.map { 3 * Int(model.flops.predictor) * $0.count })
        let plan = BalancePlan(work, aim: .sum)
        var planned = placement
        for move in plan.moves {
            let images = planned[move.from].filter { $0 % 3 == move.kind }.suffix(move.count)
            planned[move.from].removeAll { images.contains($0) }
            planned[move.to] += images
        }
        var staying = setting
        staying.balances = false
        let expected = try step(planned.map { [$0] }, staying)
        XCTAssertLessThan(relativeDifference(balanced.classifier, expected.classifier), 1e-4)
        XCTAssertEqual(balanced.report.lossSum, expected.report.lossSum, accuracy: 1e-4)
        let unmoved = try step(placement.map { [$0] }, staying)
        XCTAssertGreaterThan(relativeDifference(unmoved.classifier, expected.classifier), 1e-2, "the comparison can fail")
    }

    func testLocalBatchNormRunsWithEveryEstimatorAndPlacement() throws {
        for (name, estimator, images) in ReferenceCase.estimators {
            for head in [nil, CascadeHead.learned] {
                for placement in placements {
                    let setting = Setting(estimator: estimator, images: images, globalBatchNorm: false, head: head)
                    let sums = try step(placement.map { [$0] }, setting)
                    XCTAssertTrue(sums.classifier.allSatisfy(\.isFinite) && sums.predictor.allSatisfy(\.isFinite), name)
                    XCTAssertEqual(sums.report.images, Double(ReferenceCase.images), name)
                }
            }
        }
    }

    func testTheOrderOfMovedImagesIsFixed() throws {
        // With local batch norm, rank 1 of the last case keeps an image and gets others of the same resolution.
        let mixed = [[1, 2, 3, 4, 5, 6, 7, 8], [0]]
        for globalBatchNorm in [true, false] {
            for placement in placements + [mixed] {
                let setting = Setting(estimator: Probe(), globalBatchNorm: globalBatchNorm)
                let first = try step(placement.map { [$0] }, setting)
                for _ in 0..<3 {
                    let again = try step(placement.map { [$0] }, setting)
                    XCTAssertEqual(again.own, first.own, "the bits of each rank's gradients")
                    XCTAssertEqual(again.report, first.report)
                }
            }
        }
    }

    func testOneRankMovesNothing() throws {
        let alone = try step([[everything]], Setting())
        var staying = Setting()
        staying.balances = false
        XCTAssertEqual(alone.classifier, try step([[everything]], staying).classifier)
    }
}

extension ReferenceCase {
    /// Some images of the batch, in this order.
    fileprivate func batch(_ images: [Int], mixes: Bool) -> MicroBatch {
        let all = mixes ? mixedBatch() : batch()
        return MicroBatch(
            images: all.images.gathering(images), labels: images.map { all.labels[$0] }, sampleIndices: images,
            partnerLabels: mixes ? images.map { all.partnerLabels[$0] } : [],
            partnerShares: mixes ? images.map { all.partnerShares[$0] } : [])
    }
}
