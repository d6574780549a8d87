import Communication
import Configuration
import Foundation
import Inference
import Interchange
import TestSupport
import XCTest

@testable import Training

final class CheckpointStateTests: XCTestCase {
    private let identity = RunIdentity(
        seed: 1, resolutions: [48, 32], classes: ["a", "b"], trainingImages: 4, imageNames: "x", batchSize: 2, accumulationSteps: 1,
        stages: ["warmUp"])

    private func configuration(_ overrides: [String] = []) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(path: repositoryRoot + "/configs/quickstart.yaml", overrides: overrides)
    }

    private func find(
        _ folder: String, identity: RunIdentity, acceptingDataChanges: Bool = false, note: (String) -> Void = { XCTFail($0) }
    ) throws -> FoundCheckpoint? {
        let run = ContinuedRun(
            folder: folder, identity: identity, configuration: try configuration(), acceptsDataChanges: acceptingDataChanges)
        return try FoundCheckpoint(in: CheckpointStore(folder: folder, keep: 1), of: run, SingleProcess(), note: note)
    }

    private func save(_ state: TrainingState, in folder: String) throws {
        _ = try CheckpointStore(folder: folder, keep: 1).save(
            step: 2, state: try JSON.encode(state, .indented), files: [:], isBest: false)
    }

    func testPatienceCountsEvaluationsSinceTheBestOfTheStage() throws {
        var state = TrainingState(identity: identity, configuration: try configuration())
        func count(_ isBest: Bool) -> Bool {
            state.countEvaluation(isBest: isBest, patience: 2)
            return state.hasStagnated(patience: 2)
        }
        XCTAssertEqual([true, false, true, false, false].map(count), [false, false, false, false, true])
        XCTAssertFalse(state.hasStagnated(patience: 3), "a resumed run can wait longer")
        XCTAssertFalse(state.hasStagnated(patience: 0), "or without a limit")
        let read = try JSON.decode(TrainingState.self, from: try JSON.encode(state, .compact), source: "state")
        XCTAssertTrue(read.hasStagnated(patience: 2), "the checkpoint has the count")
        state.beginNextStage()
        XCTAssertFalse(state.hasStagnated(patience: 2), "each stage counts its own")
        state.countEvaluation(isBest: false, patience: 0)
        XCTAssertNil(state.evaluationsWithoutGain, "without patience, checkpoints are as they were")
    }

    func testAForeignStateIsRefusedWithFileAndKey() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            _ = try store.save(step: 2, state: Data(#"{"step": 2}"#.utf8), files: [:], isBest: false)
            XCTAssertThrowsError(try find(folder, identity: identity)) {
                XCTAssertTrue($0 is InterchangeError, "\(type(of: $0))")
                XCTAssertTrue("\($0)".hasPrefix("\(folder)/step-000000002/manifest.json: "), "\($0)")
                XCTAssertTrue("\($0)".contains("'position' is missing"), "\($0)")
            }
        }
    }

    func testAStateIsReadBackAndComparedWithTheRun() throws {
        try withTemporaryFolder { folder in
            let state = TrainingState(identity: identity, configuration: try configuration())
            try save(state, in: folder)
            XCTAssertEqual(try find(folder, identity: identity)?.state, state)
            var other = identity
            other.seed = 9
            XCTAssertThrowsError(try find(folder, identity: other)) { XCTAssertTrue($0 is ResumeError, "\($0)") }
        }
    }

    func testOtherTrainingImagesAreAcceptedOnlyOnRequest() throws {
        try withTemporaryFolder { folder in
            var saved = identity
            (saved.trainingNames, saved.validationNames, saved.validationImages) = ("crc32:1", "crc32:2", 2)
            try save(TrainingState(identity: saved, configuration: try configuration()), in: folder)
            for (images, names, text) in [
                (3, "crc32:9", "number of training images is 3, was 4"), (4, "crc32:9", "training images' names"),
            ] {
                var other = saved
                (other.trainingImages, other.trainingNames) = (images, names)
                XCTAssertThrowsError(try find(folder, identity: other)) {
                    XCTAssertTrue("\($0)".contains(text) && "\($0)".contains("--accept-data-changes"), "\($0)")
                }
                var notes: [String] = []
                let found = try find(folder, identity: other, acceptingDataChanges: true) { notes.append($0) }
                XCTAssertEqual(found?.state.identity, other, "later resumes compare with the new images")
                XCTAssertTrue(notes.count == 1 && notes[0].contains(text) && notes[0].contains("repeat or miss images"), "\(notes)")
            }
        }
    }

    func testOtherValidationImagesAreOnlyTold() throws {
        try withTemporaryFolder { folder in
            var saved = identity
            (saved.trainingNames, saved.validationNames, saved.validationImages) = ("crc32:1", "crc32:2", 2)
            try save(TrainingState(identity: saved, configuration: try configuration()), in: folder)
            for (images, names) in [(1, "crc32:9"), (2, "crc32:9")] {
                var other = saved
                (other.validationImages, other.validationNames, other.imageNames) = (images, names, "z")
                var notes: [String] = []
                XCTAssertNotNil(try find(folder, identity: other) { notes.append($0) })
                XCTAssertTrue(notes.count == 1 && notes[0].contains("the validation images changed"), "\(notes)")
            }
        }
    }

    func testUnusableCheckpointsAreRefusedWithTheWaysToGoOn() throws {
        try withTemporaryFolder { folder in
            XCTAssertNil(try find(folder, identity: identity))
            try save(TrainingState(identity: identity, configuration: try configuration()), in: folder)
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder + "/step-000000002/manifest.json"))
            XCTAssertThrowsError(try find(folder, identity: identity)) {
                for part in ["step-000000002 is skipped", "Nothing was changed", "--restart", "--run-folder"] {
                    XCTAssertTrue("\($0)".contains(part), "\($0)")
                }
            }
        }
    }

    func testAnEarlierKindOfNamesChecksumIsNotCompared() {
        var (run, saved) = (identity, identity)
        run.imageNames = "crc32:1f"
        saved.imageNames = "crc32:20"
        XCTAssertEqual(run.differences(from: saved).training.count, 1)
        saved.imageNames = "85944171f73967e8"
        XCTAssertEqual(run.differences(from: saved), RunIdentity.Differences())
        saved.trainingImages += 1
        XCTAssertEqual(run.differences(from: saved).training.count, 1)
    }
}
