import Foundation
import TestSupport
import XCTest

/// `drnet train --dry-run`, and the help of all commands.
final class DryRunTests: XCTestCase {
    func testADryRunReportsThePlanAndWritesNothing() throws {
        try withTemporaryFolder { folder in
            let small = try SmallRun(in: folder, trainingImages: 30, validationImages: 12)
            let plan = try small.train("run", ["--dry-run"])
            XCTAssertEqual(plan.status, 0, plan.text)
            for part in [
                "a new run in \(small.path("run"))", "warmUp: 2 epochs of 3 steps of 12 images, 6 steps", "2 evaluations on 12 images",
                "fineTune: 3 epochs of 3 steps of 12 images, 9 steps", "recalibrate: statistics of every resolution on 3 batches",
                "fineTune: a step takes about", "memory: about", "time: about",
            ] { XCTAssertTrue(plan.text.contains(part), "\(part) in \(plan.text)") }
            XCTAssertFalse(FileManager.default.fileExists(atPath: small.path("run")))
        }
    }

    func testADryRunNamesTheCheckpointThatResumeWouldPick() throws {
        try withTemporaryFolder { folder in
            let small = try SmallRun(in: folder, trainingImages: 24, validationImages: 12)
            let stages = ["--set", "stages.fineTune=null", "--set", "stages.recalibrate=null", "--set", "stages.warmUp.epochs=1"]
            try small.complete("run", stages)
            let before = try contents(small.path("run"))
            let again = ["--dry-run", "--set", "stages.fineTune=null", "--set", "stages.recalibrate=null"]
            let refused = try small.train("run", again)
            XCTAssertEqual(refused.status, 1, "the training would be refused")
            XCTAssertTrue(refused.text.contains("--resume would continue from the checkpoint of step 2"), refused.text)
            let resumed = try small.train("run", ranks: 2, again + ["--resume"])
            XCTAssertEqual(resumed.status, 0, resumed.text)
            XCTAssertTrue(resumed.text.contains("resuming stage warmUp at epoch 2, step 1 (step 3 of the run)"), resumed.text)
            XCTAssertTrue(resumed.text.contains("checkpoint: \(small.path("run"))/checkpoints/step-"), resumed.text)
            XCTAssertTrue(resumed.text.contains("warmUp: 1 epoch of 2 steps of 12 images, 2 steps"), resumed.text)
            XCTAssertTrue(try small.train("run", ["--dry-run", "--restart"]).text.contains("would be moved into a subfolder"))
            XCTAssertEqual(try contents(small.path("run")), before, "nothing was written")
        }
    }

    /// Paths, sizes and times of all files.
    private func contents(_ folder: String) throws -> [String] {
        let manager = FileManager.default
        return try manager.subpathsOfDirectory(atPath: folder).sorted().map { path in
            let attributes = try manager.attributesOfItem(atPath: "\(folder)/\(path)")
            return "\(path) \(attributes[.size] ?? "") \(attributes[.modificationDate] ?? "")"
        }
    }

    func testTheHelpOfEveryCommandHasExamples() throws {
        let executable = try builtExecutable(named: "drnet")
        let overview = try ProcessRunner.run(executable, ["--help"], timeout: 60).text
        let commands = overview.components(separatedBy: "SUBCOMMANDS:").last!.split(separator: "\n")
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }.compactMap { $0.split(separator: " ").first.map(String.init) }
            .filter { $0 != "See" }
        XCTAssertTrue(Set(commands).isSuperset(of: ["train", "evaluate", "report", "doctor"]), "\(commands)")
        for command in commands {
            let help = try ProcessRunner.run(executable, [command, "--help"], timeout: 60).text
            XCTAssertTrue(help.contains("Examples:\n  drnet \(command) ") || help.contains("\n  launch/study"), "\(command): \(help)")
        }
    }
}
