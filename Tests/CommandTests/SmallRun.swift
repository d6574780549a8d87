import Foundation
import TestSupport
import XCTest

/// A run that takes one or two seconds. It uses the real command on a small synthetic folder, in one process or with real ranks.
struct SmallRun {
    static let stepsPerEpoch = 5
    let folder: String

    /// Creates images and a configuration in a folder.
    init(in folder: String, trainingImages: Int, validationImages: Int) throws {
        self.folder = folder
        let made = try drnet(["synthesize", "\(folder)/data", "--training", "\(trainingImages)", "--validation", "\(validationImages)"])
        XCTAssertEqual(made.status, 0, made.text)
        let text = """
            seed: 3
            resolutions: [48, 32]
            data: {folder: \(folder)/data, resizeRatio: 1, augmentation: {cropScale: [0.8, 1]}}
            classifier: {architecture: resnet18, width: 0.125}
            predictor: {widths: [4, 4, 8, 8, 8], inputSize: 32}
            batchNorm: {mode: global}
            policy: {flopsTarget: 0.5}
            optimizer: {batchSize: 12, nesterov: true}
            stages:
              warmUp: {epochs: 2, learningRate: {base: 0.02}}
              fineTune: {epochs: 3, learningRate: {base: 0.01}, predictorLearningRateMultiplier: 1}
              recalibrate: {batches: 3}
            checkpoints: {everySteps: 3, keep: 20}
            communication: {replicaCheckSteps: 2, timeoutSeconds: 60}
            metrics: {everySteps: 1}
            """
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    var configuration: String { folder + "/run.yaml" }

    func path(_ run: String) -> String { "\(folder)/\(run)" }

    func drnet(
        _ arguments: [String], ranks: Int? = nil, environment: [String: String] = [:], whileRunning: (Process) -> Void = { _ in }
    ) throws -> ProcessRunner.Result {
        let executable = try builtExecutable(named: "drnet")
        guard let ranks else {
            let environment = ["DRNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"].merging(environment) { $1 }
            return try ProcessRunner.run(
                executable, arguments, environment: environment, timeout: 240, whileRunning: whileRunning)
        }
        return try ProcessRunner.mpirun(
            ranks: ranks, executable, arguments, environment: environment, timeout: 240, whileRunning: whileRunning)
    }

    func train(
        _ run: String, ranks: Int? = nil, _ more: [String] = [], environment: [String: String] = [:],
        whileRunning: (Process) -> Void = { _ in }
    ) throws -> ProcessRunner.Result {
        try drnet(
            ["train", configuration, "-o", path(run)] + more, ranks: ranks, environment: environment, whileRunning: whileRunning)
    }

    /// Trains to the end, and fails the test if the run fails.
    func complete(
        _ run: String, ranks: Int? = nil, _ more: [String] = [], environment: [String: String] = [:], line: UInt = #line
    ) throws {
        let result = try train(run, ranks: ranks, more, environment: environment)
        XCTAssertEqual(result.status, 0, result.text, line: line)
    }

    /// A line of metrics.jsonl.
    struct Record: Decodable {
        var kind: String
        var stage: String
        var epoch: Int
        var step: Int
        var loss: Double?
        var entropy: Double?
        var flopsWeight: Double?
        var multiplier: Double?
        var message: String?
        var images: Int?
        var expectedImages: Int?
        var digest: String?
        var eachExactlyOnce: Bool?
    }

    func records(_ run: String) -> [Record] {
        let text = (try? String(contentsOfFile: path(run) + "/metrics.jsonl", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
    }

    /// Kind, stage and epoch of all records except those of steps and of ledgers.
    func milestones(_ run: String) -> [String] {
        records(run).filter { !["step", "ledger"].contains($0.kind) }.map { "\($0.kind) \($0.stage) \($0.epoch)" }
    }

    /// The records of the images that epochs used, one text each.
    func ledgers(_ run: String) -> [String] {
        records(run).filter { $0.kind == "ledger" }.map {
            "\($0.stage) \($0.epoch): \($0.images ?? -1) of \($0.expectedImages ?? -1), \($0.digest ?? ""), "
                + "\($0.eachExactlyOnce.map { $0 ? "each exactly once" : "not each exactly once" } ?? "unknown")"
        }
    }

    /// The loss of every step in metrics.jsonl, by step.
    func losses(_ run: String) -> [Int: Double] {
        Dictionary(
            records(run).filter { $0.kind == "step" }.map { ($0.step, $0.loss ?? .nan) },
            uniquingKeysWith: { first, _ in
                XCTFail("\(run): a step is recorded twice")
                return first
            })
    }

    /// The last recorded step; 0 if there is none.
    func lastStep(_ run: String) -> Int { losses(run).keys.max() ?? 0 }

    /// The checkpoint folders, oldest first.
    func checkpoints(_ run: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path(run) + "/checkpoints")) ?? [])
            .filter { $0.hasPrefix("step-") }.sorted().map { path(run) + "/checkpoints/" + $0 }
    }

    /// Creates a copy of a run folder as if the run had been killed after a step, without the later checkpoints.
    func cut(_ run: String, to name: String, afterStep step: Int) throws {
        try FileManager.default.copyItem(atPath: path(run), toPath: path(name))
        for checkpoint in checkpoints(name) where Int(checkpoint.suffix(9))! > step {
            try FileManager.default.removeItem(atPath: checkpoint)
        }
    }

    /// Runs several ranks that differ: each has its own folder, arguments and environment.
    ///
    /// - Parameter ranks: of each rank, its working directory, and the arguments of the command.
    func drnet(ranks: [(folder: String, arguments: [String])], environment: [String: String] = [:]) throws -> ProcessRunner.Result {
        let executable = try builtExecutable(named: "drnet")
        let root = getuid() == 0 ? ["--allow-run-as-root"] : []
        let all = Array(ranks.map { ["-n", "1", "-wdir", $0.folder, executable] + $0.arguments }.joined(separator: [":"]))
        return try ProcessRunner.run(
            "/usr/bin/env", ["mpirun", "--oversubscribe", "--bind-to", "none"] + root + all,
            environment: ["DRNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"].merging(environment) { $1 }, timeout: 120)
    }

    /// The bytes of all tensors of the last checkpoint.
    func weights(_ run: String) throws -> [Data] {
        let last = try XCTUnwrap(checkpoints(run).last, "\(run) has no checkpoint")
        // A run without a fine-tune stage has no predictor.
        let hasPredictor = FileManager.default.fileExists(atPath: "\(last)/predictor.safetensors")
        return try (["classifier", "optimizer"] + (hasPredictor ? ["predictor"] : [])).map {
            try Data(contentsOf: URL(fileURLWithPath: "\(last)/\($0).safetensors"))
        }
    }
}

func withSmallRun(trainingImages: Int = 58, validationImages: Int = 24, _ body: (SmallRun) throws -> Void) throws {
    try withTemporaryFolder { try body(SmallRun(in: $0, trainingImages: trainingImages, validationImages: validationImages)) }
}
