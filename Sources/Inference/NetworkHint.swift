import Interchange
import NeuralNetwork

/// Finds the network that a pretrained file fits, for the message that it does not fit the configured one.
enum NetworkHint {
    /// Widths that are tried, besides the one that the first convolution suggests.
    private static let widths = [1, 0.75, 0.5, 0.35, 0.25, 0.125, 1.4, 2]

    /// All backbones at width 1, with torchvision's and timm's names. Names depend on the width only in blocks of MobileNetV3 that expand
    /// nothing at very small ones; these files get no hint.
    private static let backbones = Backbone.allCases.flatMap { backbone in
        let architecture = backbone.architecture()
        let namings: [NetworkTensors.Naming] = architecture.timmNames.isEmpty ? [.torchvision] : [.torchvision, .timm]
        return namings.map { (backbone, plain(architecture, $0)) }
    }

    /// A sentence with what to do.
    static func text(_ file: any TensorFile, path: String, key: String) throws -> String {
        if let widths = try predictorWidths(file, path: path) {
            return "It fits predictor.widths [\(widths.map(String.init).joined(separator: ", "))]"
                + (key.hasPrefix("predictor") ? ": set this key" : ", so it is a predictor")
        }
        if let fit = try classifier(file, path: path) {
            let section = key.hasPrefix("distillation") ? "distillation" : "classifier"
            return "It fits \(section).architecture \(fit.backbone.rawValue), \(section).width \(fit.width == 1 ? "1" : "\(fit.width)")"
                + (key.hasPrefix(section) ? ": set these keys" : ", so it is a classifier")
        }
        return "No network of this project fits: it takes torchvision's and timm's names ("
            + Backbone.allCases.map(\.rawValue).joined(separator: ", ") + ")"
    }

    /// A classifier that a file fits.
    struct ClassifierFit {
        var backbone: Backbone
        var width: Double
        /// Copies of each batch norm in the file.
        var copies: Int
    }

    /// Finds the classifier that a file fits, whatever its last layer is; nil if it fits none.
    ///
    /// - Parameters:
    ///   - architecture: the only one to try; nil: all.
    ///   - width: the only one to try; nil: likely ones.
    static func classifier(
        _ file: any TensorFile, path: String, architecture: Backbone? = nil, width: Double? = nil
    ) throws -> ClassifierFit? {
        for (backbone, network) in backbones where file.names.count >= network.names.count {
            guard architecture == nil || architecture == backbone, let names = try names(file, of: network, path: path) else { continue }
            let widths = try width.map { [$0] } ?? likelyWidths(file, names)
            for width in widths where try fits(file, names, plain(backbone.architecture(.init(width: width)), network.naming)) {
                let copies = names.stored.values.flatMap { $0.keys.compactMap { $0 } }.max().map { $0 + 1 } ?? 1
                return ClassifierFit(backbone: backbone, width: width, copies: copies)
            }
        }
        return nil
    }

    private static func plain(_ architecture: any NetworkArchitecture, _ naming: NetworkTensors.Naming = .torchvision) -> NetworkTensors {
        NetworkTensors(NetworkDefinition(architecture: architecture, outputs: 1, resolutionCount: nil), naming: naming)
    }

    /// The file's names of a network; nil if one is missing, or if the file has more tensors in the network's modules.
    private static func names(_ file: any TensorFile, of network: NetworkTensors, path: String) throws -> PretrainedNames? {
        guard let names = try? PretrainedNames(file.names, for: network, path: path, key: ""), names.stored.count == network.names.count,
            names.namesOfAnotherNetwork(network).isEmpty
        else { return nil }
        return names
    }

    private static func fits(_ file: any TensorFile, _ names: PretrainedNames, _ network: NetworkTensors) throws -> Bool {
        try network.tensors.allSatisfy { tensor in
            guard !tensor.parameter.isOfLastLayer else { return true }
            guard let stored = names.stored[tensor.plainName]?.values.first else { return false }
            return PretrainedFit.isSame(try file.shape(of: stored), tensor.parameter.fileShape)
        }
    }

    private static func likelyWidths(_ file: any TensorFile, _ names: PretrainedNames) throws -> [Double] {
        var candidates = widths
        for (name, channels) in [("conv1.weight", 64.0), ("features.0.0.weight", 32.0), ("conv_stem.weight", 32.0)] {
            guard let stored = names.stored[name]?.values.first, let count = try file.shape(of: stored).first else { continue }
            candidates.insert(Double(count) / channels, at: 0)
        }
        return candidates.filter { (0.05...8).contains($0) }
    }

    /// The widths of a predictor that the file fits; nil if it is none.
    private static func predictorWidths(_ file: any TensorFile, path: String) throws -> [Int]? {
        let any = plain(ResNet.Architecture(predictorWidths: [8, 8, 8, 8, 8]))
        // A first block without a downsampling convolution has fewer names than one with it.
        guard let names = try? PretrainedNames(file.names, for: any, path: path, key: ""), names.stored["layer1.0.conv1.weight"] != nil
        else { return nil }
        let layers = ["conv1"] + (1...4).map { "layer\($0).0.conv1" }
        let widths = try layers.compactMap { layer in
            try names.stored["\(layer).weight"]?[nil].flatMap { try file.shape(of: $0).first }
        }
        guard widths.count == 5, widths.allSatisfy({ (1...4096).contains($0) }) else { return nil }
        let network = plain(ResNet.Architecture(predictorWidths: widths))
        guard let names = try self.names(file, of: network, path: path), try fits(file, names, network) else { return nil }
        return widths
    }
}
