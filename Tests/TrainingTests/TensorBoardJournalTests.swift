import Foundation
import ImageData
import Inference
import Interchange
import TensorBoard
import TestSupport
import XCTest

@testable import Configuration
@testable import Evaluation
@testable import Training

final class TensorBoardJournalTests: XCTestCase {
    private func scalars(_ line: String) throws -> [String: Double] {
        let record = try RecordScalars(line: Data(line.utf8), resolutions: [64, 32], path: "metrics.jsonl")
        XCTAssertEqual(record.step, 7)
        return Dictionary(uniqueKeysWithValues: record.scalars.map { ($0.tag, $0.value) })
    }

    func testAStepHasLossesSharesRatesAndSpeed() throws {
        let line =
            #"{"kind":"step","stage":"fineTune","epoch":1,"step":7,"loss":1.5,"accuracy":0.5,"gigaFLOPs":0.25,"#
            + #""shares":[0.25,0.75],"learningRates":[0.1,null],"gradientNorm":2,"imagesPerSecond":8,"penalty":0}"#
        XCTAssertEqual(
            try scalars(line),
            [
                "train/loss": 1.5, "train/accuracy": 0.5, "train/gigaFLOPs": 0.25, "shares/64": 0.25, "shares/32": 0.75,
                "learningRate/classifier": 0.1, "train/gradientNorm": 2, "speed/imagesPerSecond": 8, "train/penalty": 0,
            ])
    }

    func testEpochsAndEvaluationsHaveGroupsOfTheirOwn() throws {
        XCTAssertEqual(
            try scalars(#"{"kind":"epoch","stage":"warmUp","epoch":1,"step":7,"loss":"nan","shares":[1,0]}"#).keys.sorted(),
            ["epoch shares/32", "epoch shares/64", "epoch/loss"])
        let row = EvaluationRow(
            way: .dynamic, top1: 0.75, top5: 1, classifierGFLOPs: 1, totalGFLOPs: 1.25, classifierShare: 0.5, totalShare: 0.625,
            shares: [0.5, 0.5], imagesPerSecond: nil, milliseconds: nil)
        var fixed = row
        fixed.way = .fixed(resolution: 32)
        let rows = String(decoding: try JSON.encode([row, fixed], .compact), as: UTF8.self)
        for (stage, group) in [("fineTune", "validation"), ("final", "final")] {
            XCTAssertEqual(
                try scalars(#"{"kind":"evaluation","stage":"\#(stage)","epoch":1,"step":7,"rows":\#(rows)}"#),
                [
                    "\(group)/top1/dynamic": 0.75, "\(group)/top5/dynamic": 1, "\(group)/gigaFLOPs/dynamic": 1.25,
                    "\(group) shares/64": 0.5, "\(group) shares/32": 0.5, "\(group)/top1/fixed 32": 0.75, "\(group)/top5/fixed 32": 1,
                    "\(group)/gigaFLOPs/fixed 32": 1.25,
                ])
        }
        XCTAssertEqual(try scalars(#"{"kind":"event","stage":"warmUp","epoch":1,"step":7,"message":"a"}"#), [:])
    }

    /// The records of the step where a run continues are in the new file, too, because the old ones are void.
    func testAResumedJournalRepeatsTheRecordsOfItsStep() throws {
        try withTemporaryFolder { folder in
            let runFolder = RunFolder(path: folder)
            let text =
                "resolutions: [64, 32]\ndata: {folder: photos}\nclassifier: {architecture: resnet18}\noptimizer: {batchSize: 2}\n"
                + "stages: {warmUp: {epochs: 2, learningRate: {base: 1}}}\n"
            let configuration = try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: [])
            let lines = (5...8).map { #"{"kind":"step","stage":"warmUp","epoch":1,"step":\#($0),"loss":\#($0)}"# }
            let evaluation = #"{"kind":"epoch","stage":"warmUp","epoch":1,"step":7,"loss":0.5}"#
            let all = lines[...2] + [evaluation, lines[3]]
            try all.map { $0 + "\n" }.joined().write(toFile: runFolder.metrics, atomically: true, encoding: .utf8)
            let first = TensorBoardJournal(configuration, runFolder, after: nil) { XCTFail($0) }
            for line in all { first.add(Data(line.utf8)) }
            for (isPending, epoch) in [(false, [Float(0.5)]), (true, nil)] {
                let position = MetricsWriter.Position(step: 7, isEvaluationPending: isPending)
                let console = ProgressReporter(isTerminal: false, width: .max) { _ in }
                _ = try RunJournal(
                    runFolder: runFolder, console: console, resolutions: [64, 32], stepInterval: 1, after: position,
                    tensorBoard: TensorBoardJournal(configuration, runFolder, after: position) { XCTFail($0) })
                let scalars = try EventFiles(runFolder.tensorBoard).scalars()
                XCTAssertEqual(scalars["epoch/loss@7"], epoch)
                XCTAssertEqual(scalars["train/loss@7"], [7])
                XCTAssertEqual(scalars["train/loss@5"], [5])
                XCTAssertNil(scalars["train/loss@8"])
            }
        }
    }

    func testHyperParametersAreThoseThatChangeResults() throws {
        let text =
            "resolutions: [64, 32]\ndata: {folder: photos}\nclassifier: {architecture: resnet18}\noptimizer: {batchSize: 2}\n"
            + "stages: {warmUp: {epochs: 2, learningRate: {base: 1}}}\n"
        let parameters = TensorBoardJournal.hyperParameters(
            try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: []))
        XCTAssertEqual(parameters["optimizer.batchSize"], .number(2))
        XCTAssertEqual(parameters["classifier.architecture"], .text("resnet18"))
        XCTAssertEqual(parameters["stages.warmUp.learningRate.base"], .number(1))
        for key in ["metrics.everySteps", "communication.timeoutSeconds", "data.folder", "classifier.pretrained"] {
            XCTAssertNil(parameters[key], key)
        }
    }

    func testPhotographsOfEveryResolutionAreShownInAnOrderThatStays() {
        let choices = (0..<100).map { $0 % 10 == 0 ? 0 : 1 }
        let selected = ChosenPhotographs.selection(choices: choices, resolutionCount: 3)
        XCTAssertEqual(selected.map(\.count), [4, 4, 0])
        for (resolution, indices) in selected.enumerated() { XCTAssertTrue(indices.allSatisfy { choices[$0] == resolution }) }
        var other = choices
        other[selected[1][0]] = 2
        XCTAssertEqual(ChosenPhotographs.selection(choices: other, resolutionCount: 3)[0], selected[0])
        XCTAssertGreaterThan((selected[1].max() ?? 0) - (selected[1].min() ?? 0), 30, "neighbours are of one class")
        XCTAssertEqual(ChosenPhotographs.selection(choices: [], resolutionCount: 2), [[], []])
        XCTAssertEqual(ChosenPhotographs.selection(choices: [1], resolutionCount: 2), [[], [0]])
    }
}
