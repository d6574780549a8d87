import ArgumentParser
import DynamicResolution
import Foundation
import Kernels
import NeuralNetwork
import Training

/// Times training steps of a plain classifier: forward, cross entropy, backward and SGD on random images. `launch/benchmark` runs it beside
/// PyTorch's.
@main
struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "drnet-benchmark", abstract: "Images per second of a training step.")

    @Option(help: "torchvision's name of the classifier.")
    var architecture = "resnet18"
    @Option var resolution = 224
    @Option var batch = 16
    @Option var threads = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Timed steps, after two that warm up.")
    var steps = 6
    @Flag(help: "Time the forward pass of evaluation only.")
    var forward = false

    func run() throws {
        guard let architecture = ClassifierArchitecture(rawValue: architecture) else {
            throw ValidationError("--architecture is one of \(ClassifierArchitecture.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        Parallel.configure(threadCount: threads)
        let classifier = architecture.makeNetwork(
            width: 1, outputs: 1000, resolutionCount: 1, batchNorm: BatchNormOptions(), zeroInitResidual: false)
        classifier.arena.initialize(seed: 1, stream: 0)
        let model = DRNet(
            resolutions: [resolution], classifier: classifier, predictor: nil, predictorInputSize: resolution, classCount: 1000)
        let step = TrainingStep(model: model, ranks: nil, globalBatchNorm: false, labelSmoothing: 0)
        let optimizer = SGD([classifier], SGD.Options(momentum: 0.9, nesterov: false, weightDecay: 1e-4, decaysNormAndBias: true))
        let images = randomBatch()
        if forward { model.freeze() }
        let seconds = try (0..<steps + 2).map { _ in
            try time {
                if forward {
                    _ = try model.classify(images.images, resolutionIndex: 0)
                } else {
                    classifier.arena.clearGradients()
                    _ = try step.warmUp([images], globalCount: batch)
                    optimizer.step(learningRates: [0.01])
                }
            }
        }.dropFirst(2).sorted()
        let median = seconds[seconds.startIndex + seconds.count / 2]
        print(String(format: "%.2f", Double(batch) / median))
    }

    private func randomBatch() -> MicroBatch {
        let shape = Shape(batch: batch, height: resolution, width: resolution, channels: 3)
        var generator = SystemRandomNumberGenerator()
        let images = Tensor(shape, (0..<shape.count).map { _ in Float.random(in: -2...2, using: &generator) })
        return MicroBatch(images: images, labels: (0..<batch).map { Int32($0 * 7 % 1000) }, sampleIndices: Array(0..<batch))
    }

    private func time(_ body: () throws -> Void) rethrows -> Double {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    }
}
