import NeuralNetwork

/// The predictor's first parts, stem and blocks, as copies of the classifier's: of all that have the same shapes, up to the first one that
/// has not, since what follows would be fed with other features than it has learnt. Of the classifier's batch norms those of one
/// resolution.
package struct PredictorWarmStart {
    /// A stem or a block: its tensors, each with the classifier's.
    package struct Part {
        package var name: String
        package var tensors: [(target: Parameter, source: Parameter)]
    }

    package let parts: [Part]
    /// The names of those that start from scratch, the last layer among them.
    package let others: [String]
    /// Whose batch norms are taken, in pixels.
    package let resolution: Int

    /// - Parameters:
    ///   - classifier: its parameters and running statistics. To `copy`, both networks must exist.
    ///   - predictor: likewise.
    ///   - inputSize: what the predictor sees; batch norms are taken of the resolution that is closest to it.
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
        if name.hasPrefix("layer") { return names.prefix(2).joined(separator: ".") }
        return isOfLastLayer ? String(names[0]) : "stem"
    }

    /// The name of a batch norm's copy: `bn1.2.weight` of `bn1.weight`.
    fileprivate func nameOfCopy(_ index: Int) -> String {
        var names = name.split(separator: ".").map(String.init)
        names.insert(String(index), at: names.count - 1)
        return names.joined(separator: ".")
    }
}
