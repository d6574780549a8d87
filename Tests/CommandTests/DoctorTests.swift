import Foundation
import TestSupport
import XCTest

/// Tests `drnet doctor` alone and with real ranks, also with ranks whose builds, folders or images differ.
final class DoctorTests: XCTestCase {
    private let quick = ["--seconds", "0.2"]

    private func doctor(_ run: SmallRun, _ more: [String] = [], ranks: Int? = nil) throws -> ProcessRunner.Result {
        try run.drnet(["doctor", run.configuration, "-o", run.path("run")] + quick + more, ranks: ranks)
    }

    /// The lines of a topic.
    private func lines(_ result: ProcessRunner.Result, _ topic: String) -> [String] {
        result.output.split(separator: "\n").map(String.init).filter { $0.contains(" \(topic): ") }
    }

    func testAHealthyRunHasNoErrorsAndAnEstimate() throws {
        try withSmallRun { run in
            for ranks in [nil, 2] as [Int?] {
                let result = try doctor(run, ranks: ranks)
                XCTAssertEqual(result.status, 0, result.text)
                for topic in ["drnet", "MPI", "OpenBLAS", "processor", "kernels", "clocks", "run folder", "free space", "images", "step"] {
                    let found = lines(result, topic)
                    XCTAssertEqual(found.count, 1, "\(topic): \(result.text)")
                    XCTAssertTrue(found.allSatisfy { $0.hasPrefix("ok") }, "\(found)")
                }
                XCTAssertTrue(lines(result, "step")[0].contains("fineTune"), result.text)
                XCTAssertEqual(lines(result, "sum over all ranks").count, ranks == nil ? 0 : 5, result.text)
                XCTAssertTrue(result.output.contains("\n0 errors, "), result.text)
                XCTAssertFalse(FileManager.default.fileExists(atPath: run.path("run")), "the doctor creates no run folder")
                XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: run.folder).sorted(), ["data", "run.yaml"])
            }
        }
    }

    func testEveryEstimatorAndStageCanBeTried() throws {
        try withSmallRun { run in
            for settings in [
                ["policy.estimator=straight-through", "communication.balance=flops"], ["policy.estimator=regression"],
                ["predictor.kind=cascade", "predictor.head=learned"], ["stages.fineTune=null", "stages.recalibrate=null"],
                ["optimizer.accumulationSteps=2", "batchNorm.mode=local"],
            ] {
                let result = try doctor(run, settings.flatMap { ["--set", $0] }, ranks: 2)
                XCTAssertEqual(result.status, 0, "\(settings): \(result.text)")
                XCTAssertEqual(lines(result, "step").count, 1, "\(settings): \(result.text)")
            }
        }
    }

    func testAFolderThatCannotBeWrittenIsAnError() throws {
        try withSmallRun { run in
            let result = try run.drnet(["doctor", run.configuration, "-o", "/proc/none/run"] + quick, ranks: 2)
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(lines(result, "run folder")[0].hasPrefix("error"), result.text)
            XCTAssertTrue(result.output.contains("→ choose another folder"), result.text)
            XCTAssertTrue(result.output.contains("a run would end"), result.text)
        }
    }

    func testADamagedImageIsAnError() throws {
        try withSmallRun(trainingImages: 12) { run in
            let classes = try FileManager.default.contentsOfDirectory(atPath: run.path("data/train"))
            for name in classes {
                for file in try FileManager.default.contentsOfDirectory(atPath: run.path("data/train/\(name)")) {
                    try Data("no image".utf8).write(to: URL(fileURLWithPath: run.path("data/train/\(name)/\(file)")))
                }
            }
            for ranks in [nil, 2] as [Int?] {
                let result = try doctor(run, ranks: ranks)
                XCTAssertEqual(result.status, 1, result.text)
                XCTAssertTrue(lines(result, "images").contains { $0.hasPrefix("error") }, result.text)
            }
        }
    }

    /// Rank 1 starts in another folder, with other images, and does not see the run folder of rank 0.
    func testRanksWithOtherImagesAndAnotherRunFolderAreFound() throws {
        try withSmallRun { run in
            for folder in ["one", "two"] {
                try FileManager.default.createDirectory(atPath: run.path(folder), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: run.path("data"), toPath: run.path("\(folder)/data"))
            }
            let class0 = try XCTUnwrap(try FileManager.default.contentsOfDirectory(atPath: run.path("two/data/train")).sorted().first)
            let images = try FileManager.default.contentsOfDirectory(atPath: run.path("two/data/train/\(class0)")).sorted()
            try FileManager.default.removeItem(atPath: run.path("two/data/train/\(class0)/\(images[0])"))
            let result = try wrapped(
                run, "if [ \"$OMPI_COMM_WORLD_RANK\" = 0 ]; then cd '\(run.path("one"))'; else cd '\(run.path("two"))'; fi",
                ["doctor", run.configuration, "--set", "data.folder=data"] + quick)
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(lines(result, "images").contains { $0.hasPrefix("error") && $0.contains("rank 1") }, result.text)
            XCTAssertTrue(
                lines(result, "run folder").contains { $0.hasPrefix("warning") && $0.contains("rank 1") && $0.contains("does not see") },
                result.text)
        }
    }

    func testAnotherBuildIsFound() throws {
        try withSmallRun { run in
            let drnet = try builtExecutable(named: "drnet")
            let other = run.path("other-drnet")
            try FileManager.default.copyItem(atPath: drnet, toPath: other)
            let file = try XCTUnwrap(FileHandle(forWritingAtPath: other))
            try file.seekToEnd()
            try file.write(contentsOf: Data("!".utf8))
            try file.close()
            let result = try wrapped(
                run, "[ \"$OMPI_COMM_WORLD_RANK\" = 0 ] || exec '\(other)' \"$@\"", ["doctor", run.configuration] + quick)
            XCTAssertEqual(result.status, 1, result.text)
            XCTAssertTrue(lines(result, "drnet")[0].hasPrefix("error"), result.text)
            XCTAssertTrue(lines(result, "drnet")[0].contains("on rank 1"), result.text)
        }
    }

    /// Starts two ranks of a shell script that begins with some lines and continues as the command.
    private func wrapped(_ run: SmallRun, _ lines: String, _ arguments: [String]) throws -> ProcessRunner.Result {
        let script = run.path("wrapper")
        try "#!/bin/bash\n\(lines)\nexec '\(try builtExecutable(named: "drnet"))' \"$@\"\n".write(
            toFile: script, atomically: true, encoding: .utf8)
        chmod(script, 0o755)
        return try ProcessRunner.mpirun(ranks: 2, script, arguments, timeout: 60)
    }
}
