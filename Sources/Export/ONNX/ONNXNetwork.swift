import DynamicResolution
import NeuralNetwork

/// The number of images that an exported network takes.
public enum BatchSize: Equatable, Sendable {
    case fixed(Int)
    /// Any number.
    case any
}

/// Writes the parts of a dynamic resolution network as nodes of ONNX. Networks take images [N, 3, H, W].
struct ONNXNetwork {
    let network: ExportedNetwork
    let batch: BatchSize
    private let classifier: NetworkGraph
    private let predictor: NetworkGraph?

    static let (image, logits, resolution, choice) = ("image", "logits", "resolution", "choice")

    /// - Throws: `UnrecordedLayer` for a layer that cannot be exported.
    init(_ network: ExportedNetwork, batch: BatchSize) throws {
        self.network = network
        self.batch = batch
        classifier = try network.model.classifier.graph()
        predictor = try network.model.predictor?.graph()
    }

    private var model: FrozenDRNet { network.model }
    private var size: Int { model.resolutions[0] }
    private var batchAxis: ValueType.Axis {
        switch batch {
        case .fixed(let count): return .fixed(count)
        case .any: return .any("N")
        }
    }

    var imageType: ValueType { ValueType(element: .float, axes: [batchAxis, .fixed(size), .fixed(size), .fixed(3)]) }
    var logitsType: ValueType { ValueType(element: .float, axes: [batchAxis, .fixed(model.classCount)]) }
    var indicesType: ValueType { ValueType(element: .int64, axes: [batchAxis]) }

    // MARK: - Images

    /// Images of one pass: resized, normalised, [N, 3, r, r].
    ///
    /// They are resized by two products with fixed matrices. This is the same in every runtime. `Resize` of ONNX is not: its
    /// implementations differ in the positions of pixels and in the filter.
    ///
    /// - Parameters:
    ///   - image: values of 0 … 255 at the largest resolution, [N, r_1, r_1, 3].
    ///   - index: of the resolution; nil for the predictor's input.
    private func prepared(_ image: String, _ index: Int?, _ builder: GraphBuilder) -> String {
        let name = index.map { "images\(model.resolutions[$0])" } ?? "imagesOfDecider"
        guard let matrix = model.resizeMatrix(toResolution: index) else { return normalized(planes(image, name, builder), name, builder) }
        let outputs = matrix.count / size
        // Rows first, while the image is a matrix [rows × (columns · colours)].
        let rows = builder.node("Reshape", "\(name).matrix", [image, builder.integers("\(name).matrixShape", [0, size, 3 * size])])
        let low = builder.node(
            "Reshape", "\(name).low",
            [lowered(rows, matrix, outputs, name, builder), builder.integers("\(name).lowShape", [0, outputs, size, 3])])
        let transposed = (0..<matrix.count).map { matrix[$0 % outputs * size + $0 / outputs] }
        let columns = builder.floats("\(name).columns", shape: [size, outputs], transposed)
        return normalized(builder.node("MatMul", "\(name).resized", [planes(low, name, builder), columns]), name, builder)
    }

    /// Each row of the output needs few rows of the input. Products of parts of the rows leave most of the zeros out.
    private func lowered(_ rows: String, _ matrix: [Float], _ outputs: Int, _ name: String, _ builder: GraphBuilder) -> String {
        let parts = min(4, outputs)
        let axis = builder.integers("\(name).rowAxis", [1])
        let products = (0..<parts).map { part in
            let outputRows = part * outputs / parts..<(part + 1) * outputs / parts
            let used = (0..<size).filter { column in outputRows.contains { matrix[$0 * size + column] != 0 } }
            let inputRows = used[0]..<used[used.count - 1] + 1
            let name = "\(name).rows\(part)"
            let slice = builder.node(
                "Slice", "\(name).input",
                [
                    rows, builder.integers("\(name).start", [inputRows.lowerBound]),
                    builder.integers("\(name).end", [inputRows.upperBound]),
                    axis,
                ])
            let weights = outputRows.flatMap { row in inputRows.map { matrix[row * size + $0] } }
            let shape = [outputRows.count, inputRows.count]
            return builder.node("MatMul", name, [builder.floats("\(name).weights", shape: shape, weights), slice])
        }
        return builder.node("Concat", "\(name).lowered", products, [ONNXAttribute("axis", 1)])
    }

    /// [N, H, W, 3] → [N, 3, H, W].
    private func planes(_ image: String, _ name: String, _ builder: GraphBuilder) -> String {
        builder.node("Transpose", "\(name).planes", [image], [ONNXAttribute("perm", [0, 3, 1, 2])])
    }

    private func normalized(_ planes: String, _ name: String, _ builder: GraphBuilder) -> String {
        let (factors, shifts) = network.normalization
        let scaled = builder.node("Mul", "\(name).scaled", [planes, builder.floats("\(name).factors", shape: [1, 3, 1, 1], factors)])
        return builder.node("Add", name, [scaled, builder.floats("\(name).shifts", shape: [1, 3, 1, 1], shifts)])
    }

    // MARK: - Networks

    /// The classifier at one resolution.
    ///
    /// - Parameters:
    ///   - image: values of 0 … 255 at the largest resolution, [N, r_1, r_1, 3].
    ///   - index: of the resolution.
    ///   - shared: holds the weights; nil if the pass has weights of its own.
    ///   - builder: of the graph that the pass belongs to.
    func classify(
        _ image: String, _ index: Int, _ shared: SharedWeights?, _ builder: GraphBuilder
    ) -> (features: String, output: String) {
        ONNXLayers(graph: classifier, resolutionIndex: index, name: "classifier\(model.resolutions[index])", shared: shared)
            .add(prepared(image, index, builder), to: builder)
    }

    /// What a decision gives.
    struct Decision {
        /// The index of the resolution of each image, [N].
        var choice: String
        /// The logits at the smallest resolution, if the decision needed them.
        var smallest: String?
    }

    /// The decision; nil if all images take one resolution.
    func decide(_ shared: SharedWeights?, _ builder: GraphBuilder) -> Decision? {
        switch model.decider {
        case nil: return nil
        case .network: return Decision(choice: choice(outputs(prepared(Self.image, nil, builder), builder), builder), smallest: nil)
        case .cascade(let head):
            let pass = classify(Self.image, model.resolutions.count - 1, shared, builder)
            let choice =
                head == .threshold
                ? thresholdChoice(pass.output, builder) : choice(outputs(evidence(pass, builder), builder), builder)
            return Decision(choice: choice, smallest: pass.output)
        }
    }

    private func outputs(_ input: String, _ builder: GraphBuilder) -> String {
        guard let predictor else { preconditionFailure("a decider without its network") }
        return ONNXLayers(graph: predictor, resolutionIndex: 0, name: "decider").add(input, to: builder).output
    }

    /// argmax_j (score_j − λ C_j) of the outputs z of the decider's network. The scores log π_j are z_j without a term that all
    /// resolutions share, so z_j takes their place.
    private func choice(_ outputs: String, _ builder: GraphBuilder) -> String {
        let scores = model.outputs == .losses ? builder.node("Neg", "decision.gains", [outputs]) : outputs
        let penalties = builder.floats("decision.penalties", shape: [1, model.resolutions.count], network.penalties)
        return builder.node(
            "ArgMax", "decision", [builder.node("Sub", "decision.scores", [scores, penalties])],
            [ONNXAttribute("axis", 1), ONNXAttribute("keepdims", 0)])
    }

    /// The smallest resolution for images whose doubt d = 1 − p is below λ, the largest one for the others. With s the logits in descending
    /// order, d = o / (1 + o) and o = Σ_{k>1} exp(s_k − s_1), without the rounding of a difference of two numbers near 1.
    private func thresholdChoice(_ logits: String, _ builder: GraphBuilder) -> String {
        let sorted = builder.largest("doubt.sorted", logits, count: model.classCount)
        func part(_ name: String, _ range: Range<Int>) -> String {
            builder.node(
                "Slice", "doubt.\(name)",
                [sorted]
                    + [("start", range.lowerBound), ("end", range.upperBound), ("axis", 1)].map {
                        builder.integers("doubt.\(name).\($0.0)", [$0.1])
                    })
        }
        let others = builder.node(
            "ReduceSum", "doubt.others",
            [
                builder.node(
                    "Exp", "doubt.odds", [builder.node("Sub", "doubt.gaps", [part("rest", 1..<model.classCount), part("first", 0..<1)])]),
                builder.integers("doubt.axis", [1]),
            ], [ONNXAttribute("keepdims", 0)])
        let sum = builder.node("Add", "doubt.sum", [others, builder.floats("doubt.one", shape: [], [1])])
        let doubt = builder.node("Div", "doubt", [others, sum])
        let keeps = builder.node("Less", "doubt.isSmall", [doubt, builder.floats("doubt.limit", shape: [], [Float(network.costWeight)])])
        let indices = [model.resolutions.count - 1, 0].map { builder.integers("decision.index\($0)", [$0]) }
        return builder.node("Where", "decision", [keeps] + indices)
    }

    /// The input of a learned head; see `CascadeEvidence.vectors`.
    private func evidence(_ pass: (features: String, output: String), _ builder: GraphBuilder) -> String {
        let logarithms = builder.node("LogSoftmax", "evidence.logarithms", [pass.output], [ONNXAttribute("axis", 1)])
        let largest = builder.largest("evidence.largest", logarithms, count: min(CascadeEvidence.probabilityCount, model.classCount))
        let limit = builder.floats("evidence.least", shape: [], [Float(CascadeEvidence.leastLogarithm)])
        let scale = builder.floats("evidence.scale", shape: [], [Float(CascadeEvidence.logarithmScale)])
        let scaled = builder.node("Mul", "evidence.scaled", [builder.node("Max", "evidence.limited", [largest, limit]), scale])
        return builder.node("Concat", "evidence", [pass.features, scaled], [ONNXAttribute("axis", 1)])
    }
}
