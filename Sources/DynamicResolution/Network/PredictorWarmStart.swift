import NeuralNetwork

/// Copies the classifier's first parts, stem and blocks, into the predictor. It stops at the first part whose shapes differ: later parts
/// would receive other features than those that they were trained on. The batch norms come from one resolution of the classifier.
package struct PredictorWarmStart {
    /// A stem or a block, and the pairs of its tensors.
    package struct Part {
        package var name: String
        package var tensors: [(target: Parameter, source: Parameter)]
    }

    package let parts: [Part]
    /// The names of the parts that start from scratch. The last layer is always one of them.
    package let others: [String]
    /// The resolution whose batch norms are copied, in pixels.
    package let resolution: Int

    /// - Parameters:
    ///   - classifier: its parameters and running statistics. To `copy`, both networks must exist.
    ///   - predictor: likewise.
    ///   - inputSize: the predictor's input size. The batch norms of the resolution closest to it are copied.
    package init(from classifier: [Parameter], to predictor: [Parameter], resolutions: [Int], inputSize: Int) {
        let index = resolutions.indices.min { abs(resolutions[$0] - inputSize) < abs(resolutions[$1] - inputSize) } ?? 0
        resolution = resolutions[index]
        let sources = Dictionary(
            uniqueKeysWithValues: classifier.map { ($0.name, $0) })
        let targets = predictor
        var names: [String] = []
        for target in targets where !names.contains(target.partName) { names.append(target.partName) }
        let found = names.map { name in
            let own = targets.filter { $0.partName == name && !$0.isOfLastLayer }
            let pairs = own.compactMap { target -> (target: Parameter, source: Parameter)? in
                guard let source = sources[target.name] ?? sources[target.nameOfCopy(index)], source.fileShape == target.fileShape
                else { return nil }
                return (target, source)
            }
            return Part(name: name, tensors: pairs.count == own.count ? pairs : [])
        }
        parts = Array(found.prefix { !$0.tensors.isEmpty })
        others = Array(names.dropFirst(parts.count))
    }

    package func copy() {
        for (target, source) in parts.flatMap(\.tensors) { target.values.update(from: source.values, count: target.count) }
    }

    /// What is taken, and what is not.
    package var note: String {
        "the predictor starts from the classifier's \(parts.map(\.name).joined(separator: ", ")) "
            + "(batch norms of \(resolution) pixels), and "
            + "from scratch in \(others.joined(separator: ", "))"
    }
}

extension Parameter {
    /// `stem`, a block such as `layer1.0`, or the last layer.
    fileprivate var partName: String {
        let names = name.split(separator: ".")
        if name.hasPrefix("layer") || name.hasPrefix("features.") { return names.prefix(2).joined(separator: ".") }
        return isOfLastLayer ? String(names[0]) : "stem"
    }

    /// The name of a batch norm's copy: `bn1.2.weight` of `bn1.weight`.
    fileprivate func nameOfCopy(_ index: Int) -> String {
        var names = name.split(separator: ".").map(String.init)
        names.insert(String(index), at: names.count - 1)
        return names.joined(separator: ".")
    }
}
