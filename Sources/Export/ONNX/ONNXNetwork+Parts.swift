import NeuralNetwork

extension ONNXNetwork {
    /// The decision alone: images → the index of the resolution of each image and, in a cascade, the logits at the smallest resolution. Nil
    /// if all images take one resolution.
    func decider() -> ONNXGraph? {
        let builder = GraphBuilder("decider", prefix: "")
        guard let decision = decide(nil, builder) else { return nil }
        builder.node("Identity", [decision.choice], into: Self.choice)
        var outputs = [(Self.choice, indicesType)]
        if let smallest = decision.smallest {
            builder.node("Identity", [smallest], into: Self.logits)
            outputs.append((Self.logits, logitsType))
        }
        return builder.finish(inputs: [(Self.image, imageType)], outputs: outputs)
    }

    /// The classifier at one resolution: images → logits. It takes images of the largest resolution, as the decision does, and resizes.
    func classifier(_ index: Int) -> ONNXGraph {
        let builder = GraphBuilder("classifier\(network.model.resolutions[index])", prefix: "")
        builder.node("Identity", [classify(Self.image, index, nil, builder).output], into: Self.logits)
        return builder.finish(inputs: [(Self.image, imageType)], outputs: [(Self.logits, logitsType)])
    }
}
