import Configuration
import Foundation
import Inference
import Interchange

/// What an exported network carries besides its weights. docs/deployment.md describes every field.
public struct ExportMetadata: Codable, Equatable, Sendable {
    /// Where the weights come from.
    public struct Provenance: Codable, Equatable, Sendable {
        /// The program that exported the network.
        public var program: String
        /// The name of the run folder.
        public var run: String
        public var checkpointStep: Int
        /// Size and CRC-32 of each file of the checkpoint that holds weights.
        public var weights: [String: FileChecksum]
        /// The backbone's name in the configuration.
        public var architecture: String
        /// The name of the data folder.
        public var data: String
        public var trainingImages: Int
        /// Nil in runs of early builds.
        public var validationImages: Int?
        /// A checksum of the images' names.
        public var imageNames: String
    }

    public var provenance: Provenance
    /// In the order of the logits.
    public var classes: [String]
    /// Candidates in pixels, largest first.
    public var resolutions: [Int]
    public var chooser: Deployment.Chooser
    /// `fixed`: the resolution of all images, in pixels.
    public var resolution: Int?
    /// λ of the other choosers.
    public var costWeight: Double?
    /// How an image file becomes the input.
    public var preprocessing: Deployment.Preprocessing
    /// The same in words.
    public var input: String
    public var costs: Deployment.Costs
    /// What the held-out images of the recommendation say.
    public var expected: Deployment.Expectation
}

extension ExportMetadata {
    init(
        _ network: TrainedNetwork, _ deployment: Deployment, _ configuration: TrainingConfiguration, run: RunFolder, version: String
    ) {
        func name(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent }
        let identity = network.identity
        let (preprocessing, size) = (deployment.preprocessing, deployment.preprocessing.size)
        let shorterSide = max(size, Int((Double(size) * preprocessing.resizeRatio).rounded()))
        self.init(
            provenance: Provenance(
                program: "drnet \(version)", run: name(run.path), checkpointStep: deployment.weights.step,
                weights: deployment.weights.files,
                architecture: configuration.classifier.architecture.rawValue, data: name(configuration.data.folder),
                trainingImages: identity.trainingImages, validationImages: identity.validationImages, imageNames: identity.imageNames),
            classes: deployment.classes, resolutions: deployment.resolutions, chooser: deployment.chooser,
            resolution: deployment.resolution, costWeight: deployment.costWeight, preprocessing: preprocessing,
            input: "RGB, values 0 … 255 as 32-bit floats, [N, \(size), \(size), 3]: the shorter side resized to \(shorterSide) pixels "
                + "(bilinear, antialiased, not rounded to bytes), then the centre of \(size) × \(size). The network normalises.",
            costs: deployment.costs, expected: deployment.expected)
    }

    /// One text for each field: strings as they are, the others as JSON.
    func properties() throws -> [(key: String, value: String)] {
        func json(_ value: some Encodable) throws -> String { String(decoding: try JSON.encode(value, .compact), as: UTF8.self) }
        var properties = [
            ("chooser", chooser.rawValue), ("classes", try json(classes)), ("costs", try json(costs)), ("expected", try json(expected)),
            ("input", input), ("preprocessing", try json(preprocessing)), ("provenance", try json(provenance)),
            ("resolutions", try json(resolutions)),
        ]
        if let resolution { properties.append(("resolution", try json(resolution))) }
        if let costWeight { properties.append(("costWeight", try json(costWeight))) }
        return properties.map { ("drnet.\($0.0)", $0.1) }
    }
}
