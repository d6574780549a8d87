import Communication
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

    private func find(_ folder: String, identity: RunIdentity) throws -> FoundCheckpoint? {
        try FoundCheckpoint(in: folder, identity: identity, SingleProcess()) { XCTFail($0) }
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
            let state = TrainingState(identity: identity)
            _ = try CheckpointStore(folder: folder, keep: 1).save(
                step: 2, state: try JSON.encode(state, .indented), files: [:], isBest: false)
            XCTAssertEqual(try find(folder, identity: identity)?.state, state)
            var other = identity
            other.imageNames = "y"
            XCTAssertThrowsError(try find(folder, identity: other)) { XCTAssertTrue($0 is ResumeError, "\($0)") }
        }
    }

    func testAnEarlierKindOfNamesChecksumIsNotCompared() {
        var (run, saved) = (identity, identity)
        run.imageNames = "crc32:1f"
        saved.imageNames = "crc32:20"
        XCTAssertEqual(run.differences(from: saved).count, 1)
        saved.imageNames = "85944171f73967e8"
        XCTAssertEqual(run.differences(from: saved), [])
        saved.trainingImages += 1
        XCTAssertEqual(run.differences(from: saved).count, 1)
    }
}
