import DynamicResolution
import Foundation
import ImageData
import Interchange
import NeuralNetwork
import Synchronization

extension TrainedNetwork {
    /// What the network says of one image.
    public struct Prediction {
        public var className: String
        public var probability: Float
        public var resolution: Int
        /// Multiply-adds of classifier and predictor, in units of 10⁹.
        public var gigaFLOPs: Double
        /// Of all classes, in the order of `TrainedNetwork.classes`.
        public var probabilities: [Float]
        /// The classifier's outputs that the probabilities come from.
        public var logits: [Float]

        public var probabilityText: String { String(format: "%.3f", probability) }
        public var costText: String { Figures.threeDigits(gigaFLOPs) }
    }

    /// Classifies one JPEG, PNG or WebP file.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - costWeight: λ, for the cost of the largest resolution, such as a budget was calibrated to; nil for the trained operating point.
    public func predict(_ path: String, costWeight: Double? = nil) throws -> Prediction {
        try predict([FileSystemPath(path)], costWeight: costWeight)[0].get()
    }

    /// Classifies several files. They are decoded at the same time, on the threads of the context, and images with the same resolution run
    /// in one pass. Memory is proportional to their number.
    ///
    /// - Parameters:
    ///   - paths: of the files.
    ///   - costWeight: see `predict(_:costWeight:)`.
    /// - Returns: for each file, in their order, the prediction, or why the file cannot be read.
    /// - Throws: an error of a pass.
    public func predict(_ paths: [FileSystemPath], costWeight: Double? = nil) throws -> [Result<Prediction, any Error>] {
        let size = model.resolutions[0]
        let loaded = Tensor(Shape(batch: paths.count, height: size, width: size, channels: 3), context)
        let failures = Mutex<[Int: any Error]>([:])
        context.threads.forEach(paths.count) { index in
            do {
                transform.apply(try ImageDecoder.decode(contentsOf: paths[index]), sampleIndex: index, into: loaded.image(index))
            } catch {
                failures.withLock { $0[index] = error }
            }
        }
        let failed = failures.withLock { $0 }
        let whole = paths.indices.filter { failed[$0] == nil }
        let predictions = whole.isEmpty ? [] : try predict(failed.isEmpty ? loaded : loaded.gathering(whole), costWeight: costWeight)
        var results = paths.indices.map { failed[$0].map { Result<Prediction, any Error>.failure($0) } }
        for (index, prediction) in zip(whole, predictions) { results[index] = .success(prediction) }
        return results.compactMap { $0 }
    }

    /// - Parameter images: at the largest resolution, at least one.
    private func predict(_ images: Tensor, costWeight: Double?) throws -> [Prediction] {
        let (count, classCount) = (images.shape.batch, classes.count)
        let decision = try model.decide(images)
        let choices =
            decision.map { model.choices($0, costWeight: costWeight ?? self.costWeight) }
            ?? [Int](repeating: model.fixedIndex, count: count)
        var predictions = [Prediction?](repeating: nil, count: count)
        for (index, rows) in Router.subBatches(choices: choices, resolutionCount: model.resolutions.count).enumerated() where !rows.isEmpty
        {
            // In a cascade, the answer of the smallest resolution exists already.
            let kept = index == model.resolutions.count - 1 ? decision?.smallest : nil
            let all = rows.count == count
            let answers = try kept ?? model.classify(all ? images : images.gathering(rows), resolutionIndex: index)
            let logits = kept != nil && !all ? answers.gathering(rows).values : answers.values
            for (place, row) in rows.enumerated() {
                predictions[row] = prediction(Array(logits[place * classCount..<(place + 1) * classCount]), index)
            }
        }
        return predictions.compactMap { $0 }
    }

    private func prediction(_ logits: [Float], _ index: Int) -> Prediction {
        let probabilities = Logits.softmax(logits, columns: classes.count)
        let label = Logits.argmax(logits, columns: classes.count)[0]
        return Prediction(
            className: classes[label], probability: probabilities[label], resolution: model.resolutions[index],
            gigaFLOPs: (model.flops.choices[index] + model.flops.predictor) / 1e9, probabilities: probabilities, logits: logits)
    }
}
