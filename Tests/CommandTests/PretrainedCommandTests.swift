import Foundation
import TestSupport
import XCTest

/// Pretrained weights and warnings, as the command takes and prints them.
final class PretrainedCommandTests: XCTestCase {
    /// Only warm-up, one epoch.
    private let short = ["stages.fineTune=null", "stages.recalibrate=null", "stages.warmUp.epochs=1"].flatMap { ["--set", $0] }

    func testTheFolderOfARunIsPretrainedWeights() throws {
        try withSmallRun { run in
            let first = try run.train("first", ranks: 2, short + ["--set", "batchNorm.mode=local"])
            XCTAssertEqual(first.status, 0, first.text)
            XCTAssertTrue(
                first.text.contains("poor batch statistics in warm-up: 6 values a channel and rank (6 images of 1 pixel"), first.text)
            let weights = try XCTUnwrap(run.checkpoints("first").last) + "/classifier.safetensors"
            for path in [run.path("first"), weights] {
                let second = try run.train("second", short + ["--set", "classifier.pretrained=\(path)"])
                XCTAssertEqual(second.status, 0, second.text)
                XCTAssertEqual(second.text.contains("classifier.pretrained: \(weights) is used"), path != weights, second.text)
                XCTAssertFalse(second.text.contains("not used"), second.text)
                try FileManager.default.removeItem(atPath: run.path("second"))
            }
        }
    }

    func testOtherFilesAreRefusedByWhatTheyAre() throws {
        try withSmallRun(trainingImages: 12, validationImages: 6) { run in
            let path = run.path("w.safetensors")
            let cases: [(String, String)] = [
                ("version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"), ("<!DOCTYPE html>", "it is a web page (HTML)"),
                ("", "it is empty"),
            ]
            for (text, message) in cases {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                let result = try run.train("run", short + ["--set", "classifier.pretrained=\(path)"])
                XCTAssertNotEqual(result.status, 0)
                XCTAssertTrue(result.errors.contains("\(path): not a safetensors file: \(message)"), result.text)
            }
            try Data("PK\u{3}\u{4}archive/data.pkl".utf8).write(to: URL(fileURLWithPath: path))
            let incomplete = try run.train("run", short + ["--set", "classifier.pretrained=\(path)"])
            XCTAssertTrue(
                incomplete.errors.contains("the directory at the end of the zip archive is missing: an incomplete download or copy"),
                incomplete.text)
            let module = "\(repositoryRoot)/Tests/Fixtures/pytorch/module.pth"
            let refused = try run.train("run", short + ["--set", "classifier.pretrained=\(module)"])
            XCTAssertNotEqual(refused.status, 0)
            XCTAssertTrue(
                refused.errors.contains("\(module): this PyTorch checkpoint has an object of torch.nn.modules.linear.Linear"), refused.text)
            let folder = try run.train("run", short + ["--set", "classifier.pretrained=\(run.path("data"))"])
            XCTAssertTrue(folder.errors.contains("\(run.path("data")): classifier.pretrained is a folder without weights"), folder.text)
        }
    }

    func testAConfigurationIsRefusedInOneLineForEachProblem() throws {
        try withSmallRun(trainingImages: 12, validationImages: 6) { run in
            let result = try run.train("run", ["--set", "optimizer.batchSize=\"12\"", "--set", "optimizer.nesterov=yes"])
            XCTAssertNotEqual(result.status, 0)
            XCTAssertTrue(
                result.errors.contains("key 'optimizer.batchSize' takes a whole number, not the quoted text '12': remove the quotes\n"),
                result.text)
            XCTAssertTrue(result.errors.contains("key 'optimizer.nesterov' takes true or false, not 'yes': write true"), result.text)
            let folder = try run.drnet(["train", run.path("data")])
            XCTAssertTrue(folder.errors.contains("\(run.path("data")): this is a folder; a configuration is a YAML file"), folder.text)
        }
    }
}
