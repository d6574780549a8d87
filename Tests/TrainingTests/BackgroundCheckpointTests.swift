import DynamicResolution
import Foundation
import Inference
import Interchange
import NeuralNetwork
import TestSupport
import XCTest

@testable import Training

final class BackgroundCheckpointTests: XCTestCase {
    private struct DiskFull: Error {}

    private func state(_ step: Int) -> TrainingState {
        var state = TrainingState(
            identity: RunIdentity(
                seed: 1, resolutions: [64, 32], classes: ["a"], trainingImages: 4, imageNames: "x", batchSize: 2, accumulationSteps: 1,
                stages: ["warmUp"]))
        state.position.runStep = step
        return state
    }

    private func checkpoints(_ folder: String, _ model: DRNet, inBackground: Bool) -> RunCheckpoints {
        let optimizer = Optimizer(
            model.networks, .init(rule: .sgd(momentum: 0.9, nesterov: false), weightDecay: 0, decaysNormAndBias: true), context: .test)
        return RunCheckpoints(
            CheckpointStore(folder: folder, keep: 9), model: model, optimizer: optimizer, averages: nil, inBackground: inBackground)
    }

    // MARK: - The writer

    func testATaskWaitsForTheOneBeforeSoThatThereIsOneCopy() throws {
        let writer = BackgroundWriter()
        let running = Counter()
        for index in 0..<20 {
            try writer.start {
                running.enter()
                Thread.sleep(forTimeInterval: 0.002)
                running.leave()
            }
            XCTAssertGreaterThanOrEqual(running.finished, index, "the tasks before are done")
        }
        try writer.wait()
        XCTAssertEqual(running.finished, 20)
        XCTAssertEqual(running.mostAtOnce, 1)
    }

    func testAnErrorIsThrownOnceByTheNextCall() throws {
        let writer = BackgroundWriter()
        try writer.start { throw DiskFull() }
        XCTAssertThrowsError(try writer.wait()) { XCTAssertTrue($0 is DiskFull) }
        XCTAssertNoThrow(try writer.wait())
        try writer.start { throw DiskFull() }
        XCTAssertThrowsError(try writer.start { XCTFail("the task before failed") }) { XCTAssertTrue($0 is DiskFull) }
        try writer.start { throw DiskFull() }
        while (try? writer.throwFailure()) != nil { Thread.sleep(forTimeInterval: 0.001) }
        XCTAssertNoThrow(try writer.throwFailure())
    }

    // MARK: - Checkpoints

    /// Training changes the weights as soon as `save` returns.
    func testACheckpointHasTheWeightsOfItsStepAlthoughTrainingGoesOn() throws {
        try withTemporaryFolder { folder in
            let model = smallModel()
            let checkpoints = checkpoints(folder, model, inBackground: true)
            for step in 1...5 {
                model.classifier.arena.values.update(repeating: Float(step))
                model.predictor?.arena.values.update(repeating: Float(step))
                try checkpoints.save(state(step))
                model.classifier.arena.values.update(repeating: -1)
                model.predictor?.arena.values.update(repeating: -1)
            }
            try checkpoints.finish()
            for step in 1...5 {
                let found = try XCTUnwrap(try Checkpoint.open(step: step, in: folder))
                for name in ["classifier", "predictor"] {
                    let file = try SafetensorsFile(contentsOf: found.path("\(name).safetensors"))
                    let weights = try file.names.filter { !$0.contains("running") }.flatMap { try file.floats(of: $0) }
                    XCTAssertTrue(weights.allSatisfy { $0 == Float(step) }, "\(name) of step \(step)")
                }
            }
        }
    }

    func testTheFilesAreThoseOfASaveThatTrainingWaitsFor() throws {
        try withTemporaryFolder { folder in
            for (name, inBackground) in [("a", false), ("b", true)] {
                let checkpoints = checkpoints("\(folder)/\(name)", smallModel(), inBackground: inBackground)
                try checkpoints.save(state(3))
                try checkpoints.finish()
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/a/step-000000003")
            XCTAssertEqual(files.count, 4)
            for file in files {
                XCTAssertTrue(
                    FileManager.default.contentsEqual(
                        atPath: "\(folder)/a/step-000000003/\(file)", andPath: "\(folder)/b/step-000000003/\(file)"), file)
            }
        }
    }

    func testTheMarkOfTheBestWaitsForTheCheckpoint() throws {
        try withTemporaryFolder { folder in
            let checkpoints = checkpoints(folder, smallModel(), inBackground: true)
            for step in 1...5 {
                try checkpoints.save(state(step))
                try checkpoints.saveEvaluation(state(step), isBest: true)
                XCTAssertNotNil(try Checkpoint.open(step: step, in: folder))
            }
            XCTAssertEqual(try checkpoints.settledStore().best { XCTFail($0) }?.step, 5)
        }
    }

    func testASaveThatFailsInTheBackgroundIsAnErrorOfTheNextCall() throws {
        try withTemporaryFolder { folder in
            let checkpoints = checkpoints(folder + "/file/checkpoints", smallModel(), inBackground: true)
            try Data().write(to: URL(fileURLWithPath: folder + "/file"))
            try checkpoints.save(state(1))
            XCTAssertThrowsError(try checkpoints.finish()) {
                XCTAssertTrue("\($0)".contains(folder + "/file: cannot create the folder"), "\($0)")
            }
            try checkpoints.save(state(2))
            XCTAssertThrowsError(try checkpoints.save(state(3)))
        }
    }
}

/// Counts what runs at the same time. The lock makes `@unchecked Sendable` safe.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var running = 0
    private var most = 0
    private var done = 0

    var mostAtOnce: Int { lock.withLock { most } }
    var finished: Int { lock.withLock { done } }

    func enter() {
        lock.withLock {
            running += 1
            most = max(most, running)
        }
    }

    func leave() {
        lock.withLock {
            running -= 1
            done += 1
        }
    }
}
