import NeuralNetwork

extension ONNXNetwork {
    /// The whole network in one graph: images → logits and the resolution of each image. Only the chosen resolution runs.
    func whole() -> ONNXGraph {
        let builder = GraphBuilder("drnet", prefix: "")
        let resolutions = builder.integers("resolutions", network.model.resolutions)
        let shared = SharedWeights(builder)
        let index: String
        if let decision = decide(shared, builder) {
            index = decision.choice
            let logits = batch == .fixed(1) ? ofOneImage(decision, shared, builder) : ofSubBatches(decision, shared, builder)
            builder.node("Identity", [logits], into: Self.logits)
        } else {
            let fixed = network.model.fixedIndex
            builder.node("Identity", [classify(Self.image, fixed, nil, builder).output], into: Self.logits)
            index = builder.node("Expand", "decision", [builder.integers("decision.index", [fixed]), imageCount(builder)])
        }
        builder.node("Gather", [resolutions, index], into: Self.resolution)
        return builder.finish(inputs: [(Self.image, imageType)], outputs: [(Self.logits, logitsType), (Self.resolution, indicesType)])
    }

    /// [N], as a vector.
    private func imageCount(_ builder: GraphBuilder) -> String {
        builder.node("Gather", "imageCount", [builder.node("Shape", "imageShape", [Self.image]), builder.integers("firstAxis", [0])])
    }

    // MARK: - One image

    /// One `If` inside of the other's branch: the first candidate or, if it was not chosen, one of the others.
    private func ofOneImage(_ decision: Decision, _ shared: SharedWeights, _ builder: GraphBuilder) -> String {
        let candidates = network.candidates
        // Without the smallest resolution of a cascade, the last candidate is what remains.
        let needsCondition = decision.smallest == nil ? candidates.dropLast() : candidates[...]
        return ofOneImage(decision, Array(needsCondition), last: candidates[candidates.count - 1], shared, builder)
    }

    private func ofOneImage(
        _ decision: Decision, _ candidates: [Int], last: Int, _ shared: SharedWeights, _ builder: GraphBuilder
    ) -> String {
        guard let candidate = candidates.first else {
            if let smallest = decision.smallest { return builder.node("Identity", "kept", [smallest]) }
            return classify(Self.image, last, shared, builder).output
        }
        let name = "at\(network.model.resolutions[candidate])"
        let condition = builder.node("Equal", "\(name).isChosen", [decision.choice, builder.integers("\(name).index", [candidate])])
        return builder.either(name, condition, logitsType) {
            classify(Self.image, candidate, shared, $0).output
        } no: {
            ofOneImage(decision, Array(candidates.dropFirst()), last: last, shared, $0)
        }
    }

    // MARK: - Sub-batches

    /// One `If` after the other: each candidate classifies the images that chose it, in one sub-batch, and writes their logits.
    private func ofSubBatches(_ decision: Decision, _ shared: SharedWeights, _ builder: GraphBuilder) -> String {
        let zero = builder.integers("zero", [0], isScalar: true)
        var logits = decision.smallest ?? noLogits(builder)
        for candidate in network.candidates {
            let name = "at\(network.model.resolutions[candidate])"
            let isChosen = builder.node("Equal", "\(name).isChosen", [decision.choice, builder.integers("\(name).index", [candidate])])
            let rows = builder.node(
                "Transpose", "\(name).rows", [builder.node("NonZero", "\(name).columns", [isChosen])], [ONNXAttribute("perm", [1, 0])])
            let isUsed = builder.node("Greater", "\(name).isUsed", [builder.node("Size", "\(name).count", [rows]), zero])
            let before = logits
            logits = builder.either(name, isUsed, logitsType) { branch in
                let subBatch = branch.node("GatherND", "images", [Self.image, rows])
                return branch.node("ScatterND", "logits", [before, rows, classify(subBatch, candidate, shared, branch).output])
            } no: {
                $0.node("Identity", "logits", [before])
            }
        }
        return logits
    }

    /// Zeros, [N, classes].
    private func noLogits(_ builder: GraphBuilder) -> String {
        let classes = builder.integers("classCount", [network.model.classCount])
        let shape = builder.node("Concat", "logitsShape", [imageCount(builder), classes], [ONNXAttribute("axis", 0)])
        return builder.node("ConstantOfShape", "noLogits", [shape])
    }
}
