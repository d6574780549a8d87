import Foundation

@testable import Export

/// A node of a graph with its inputs. https://onnx.ai/onnx/operators/ defines the operators.
struct GraphOperation {
    private let type: String
    private let attributes: [String: ONNXAttribute]
    private let inputs: [GraphValue]
    private var x: GraphValue { inputs[0] }

    init(_ node: ONNXNode, _ inputs: [GraphValue]) {
        type = node.opType
        attributes = Dictionary(uniqueKeysWithValues: node.attribute.map { ($0.name, $0) })
        self.inputs = inputs
    }

    private func integer(_ name: String, _ value: Int) -> Int { attributes[name].map { Int($0.i) } ?? value }
    private func integers(_ name: String) -> [Int] { attributes[name]?.ints.map { Int($0) } ?? [] }
    private func float(_ name: String, _ value: Double) -> Double { attributes[name].map { Double($0.f) } ?? value }

    /// The first output; nil for an unknown operator.
    var result: GraphValue? { elementwise ?? shaped ?? reduced ?? layer }

    // MARK: - Elements

    private var elementwise: GraphValue? {
        switch type {
        case "Add": return binary(+)
        case "Sub": return binary(-)
        case "Mul": return binary(*)
        case "Div": return binary(/)
        case "Max": return binary(max)
        case "Less": return binary { $0 < $1 ? 1 : 0 }
        case "Greater": return binary { $0 > $1 ? 1 : 0 }
        case "Equal": return binary { $0 == $1 ? 1 : 0 }
        case "Where":
            let (yes, no) = (broadcast(inputs[1], with: [x, inputs[2]]), broadcast(inputs[2], with: [x, inputs[1]]))
            let condition = broadcast(x, with: [yes])
            return GraphValue(yes.shape, zip(condition.numbers, zip(yes.numbers, no.numbers)).map { $0 != 0 ? $1.0 : $1.1 })
        case "Neg": return map { -$0 }
        case "Exp": return map(exp)
        case "Relu": return map { max($0, 0) }
        case "Clip": return map { min(max($0, inputs[1].numbers[0]), inputs[2].numbers[0]) }
        case "Sigmoid": return map { 1 / (1 + exp(-$0)) }
        case "HardSigmoid":
            let (alpha, beta) = (float("alpha", 0.2), float("beta", 0.5))
            return map { min(max(alpha * $0 + beta, 0), 1) }
        case "HardSwish": return map { $0 * min(max($0 / 6 + 0.5, 0), 1) }
        case "Identity": return x
        default: return nil
        }
    }

    private func map(_ body: (Double) -> Double) -> GraphValue { GraphValue(x.shape, x.numbers.map(body)) }

    private func binary(_ body: (Double, Double) -> Double) -> GraphValue {
        let (left, right) = (broadcast(x, with: [inputs[1]]), broadcast(inputs[1], with: [x]))
        return GraphValue(left.shape, zip(left.numbers, right.numbers).map(body))
    }

    private func broadcast(_ value: GraphValue, with others: [GraphValue]) -> GraphValue {
        let rank = ([value] + others).map(\.shape.count).max() ?? 0
        func padded(_ shape: [Int]) -> [Int] { [Int](repeating: 1, count: rank - shape.count) + shape }
        let own = GraphValue(padded(value.shape), value.numbers)
        let shape = (0..<rank).map { axis in ([value] + others).map { padded($0.shape)[axis] }.reduce(1) { $0 == 1 ? $1 : $0 } }
        return gathered(own, shape) { own.shape[$0] == 1 ? 0 : $1 }
    }

    /// The element at each index of `shape`, from the index that `source(axis, index)` gives.
    ///
    /// - Parameter strides: of `value` along the axes of `shape`; nil if they are in its own order.
    private func gathered(_ value: GraphValue, _ shape: [Int], strides: [Int]? = nil, _ source: (Int, Int) -> Int) -> GraphValue {
        var numbers: [Double] = []
        let strides = strides ?? value.strides
        func visit(_ axis: Int, _ offset: Int) {
            guard axis < shape.count else { return numbers.append(value.numbers[offset]) }
            for index in 0..<shape[axis] { visit(axis + 1, offset + source(axis, index) * strides[axis]) }
        }
        visit(0, 0)
        return GraphValue(shape, numbers)
    }

    // MARK: - Shapes and indices

    private var shaped: GraphValue? {
        switch type {
        case "Shape": return GraphValue([x.shape.count], x.shape.map(Double.init))
        case "Size": return GraphValue([], [Double(x.numbers.count)])
        case "Reshape":
            // 0 keeps an axis, −1 takes the rest.
            var shape = inputs[1].integers.enumerated().map { $1 == 0 ? x.shape[$0] : $1 }
            if let rest = shape.firstIndex(of: -1) { shape[rest] = -x.numbers.count / shape.reduce(1, *) }
            return GraphValue(shape, x.numbers)
        case "Flatten": return GraphValue([x.shape[0], x.shape[1...].reduce(1, *)], x.numbers)
        case "Unsqueeze":
            var shape = x.shape
            for axis in inputs[1].integers { shape.insert(1, at: axis) }
            return GraphValue(shape, x.numbers)
        case "Transpose":
            let order = integers("perm")
            return gathered(x, order.map { x.shape[$0] }, strides: order.map { x.strides[$0] }) { $1 }
        case "Slice":
            var (shape, starts) = (x.shape, [Int](repeating: 0, count: x.shape.count))
            for (index, axis) in inputs[3].integers.enumerated() {
                starts[axis] = inputs[1].integers[index]
                shape[axis] = min(inputs[2].integers[index], x.shape[axis]) - starts[axis]
            }
            return gathered(x, shape) { starts[$0] + $1 }
        case "Concat": return concatenated(integer("axis", 0))
        case "Expand":
            return broadcast(x, with: [GraphValue(inputs[1].integers, .init(repeating: 0, count: inputs[1].integers.reduce(1, *)))])
        case "ConstantOfShape": return GraphValue(x.integers, .init(repeating: 0, count: x.integers.reduce(1, *)))
        case "Gather": return GraphValue(inputs[1].shape + x.shape.dropFirst(), selectedRows)
        case "NonZero":
            precondition(x.shape.count == 1, "graphs use it for vectors only")
            let found = x.numbers.indices.filter { x.numbers[$0] != 0 }
            return GraphValue([1, found.count], found.map(Double.init))
        case "GatherND": return GraphValue([inputs[1].shape[0]] + x.shape.dropFirst(), selectedRows)
        case "ScatterND":
            var result = x
            let size = x.shape.dropFirst().reduce(1, *)
            for (row, target) in inputs[1].integers.enumerated() {
                for index in 0..<size { result.numbers[target * size + index] = inputs[2].numbers[row * size + index] }
            }
            return result
        default: return nil
        }
    }

    /// The parts of the first axis at the indices of the second input.
    private var selectedRows: [Double] {
        let size = x.shape.dropFirst().reduce(1, *)
        return inputs[1].integers.flatMap { x.numbers[$0 * size..<($0 + 1) * size] }
    }

    private func concatenated(_ axis: Int) -> GraphValue {
        let outer = x.shape[..<axis].reduce(1, *)
        let sizes = inputs.map { $0.shape[axis...].reduce(1, *) }
        var shape = x.shape
        shape[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
        return GraphValue(
            shape, (0..<outer).flatMap { row in zip(inputs, sizes).flatMap { $0.numbers[row * $1..<(row + 1) * $1] } })
    }

    // MARK: - Sums

    private func rows(_ value: GraphValue) -> [[Double]] {
        let width = value.shape[value.shape.count - 1]
        return stride(from: 0, to: value.numbers.count, by: max(width, 1)).map { Array(value.numbers[$0..<$0 + width]) }
    }

    private var reduced: GraphValue? {
        let outer = Array(x.shape.dropLast())
        switch type {
        case "ReduceSum": return GraphValue(outer, rows(x).map { $0.reduce(0, +) })
        case "ArgMax": return GraphValue(outer, rows(x).map { row in Double(row.firstIndex(of: row.max() ?? 0) ?? 0) })
        case "LogSoftmax":
            return GraphValue(
                x.shape,
                rows(x).flatMap { row in
                    let largest = row.max() ?? 0
                    let sum = log(row.reduce(0) { $0 + exp($1 - largest) }) + largest
                    return row.map { $0 - sum }
                })
        case "TopK":
            let count = inputs[1].integers[0]
            return GraphValue(outer + [count], rows(x).flatMap { $0.sorted(by: >).prefix(count) })
        default: return nil
        }
    }

    // MARK: - Layers

    private var layer: GraphValue? {
        switch type {
        case "MatMul": return product(x, inputs[1])
        case "Gemm":
            precondition(integer("transB", 0) == 1, "graphs use transposed weights")
            let (rows, weights) = (rows(x), rows(inputs[1]))
            return GraphValue(
                [rows.count, weights.count],
                rows.flatMap { row in
                    weights.enumerated().map { output, weight in zip(row, weight).reduce(inputs[2].numbers[output]) { $0 + $1.0 * $1.1 } }
                })
        case "GlobalAveragePool":
            let size = x.shape[2] * x.shape[3]
            return GraphValue(
                [x.shape[0], x.shape[1], 1, 1],
                (0..<x.shape[0] * x.shape[1]).map { x.numbers[$0 * size..<($0 + 1) * size].reduce(0, +) / Double(size) })
        case "MaxPool":
            return windowed(outputs: x.shape[1], -.infinity) { result, output, image, pixel, _ in
                result = max(result, x.numbers[(image * x.shape[1] + output) * x.shape[2] * x.shape[3] + pixel])
            }
        case "Conv": return convolution()
        default: return nil
        }
    }

    /// Products of the last two axes. The axes before them are those of the operand that has some.
    private func product(_ left: GraphValue, _ right: GraphValue) -> GraphValue {
        let (rows, depth) = (left.shape[left.shape.count - 2], left.shape[left.shape.count - 1])
        let columns = right.shape[right.shape.count - 1]
        let outer = left.shape.count >= right.shape.count ? left.shape.dropLast(2) : right.shape.dropLast(2)
        let count = outer.reduce(1, *)
        var numbers = [Double](repeating: 0, count: count * rows * columns)
        for matrix in 0..<count {
            let a = left.shape.count > 2 ? matrix * rows * depth : 0
            let b = right.shape.count > 2 ? matrix * depth * columns : 0
            for row in 0..<rows {
                for step in 0..<depth {
                    let factor = left.numbers[a + row * depth + step]
                    guard factor != 0 else { continue }
                    for column in 0..<columns {
                        numbers[(matrix * rows + row) * columns + column] += factor * right.numbers[b + step * columns + column]
                    }
                }
            }
        }
        return GraphValue(outer + [rows, columns], numbers)
    }

    private func convolution() -> GraphValue {
        let (weights, pixels) = (inputs[1], x.shape[2] * x.shape[3])
        let (outputs, inputsOfGroup) = (weights.shape[0], weights.shape[1])
        let (outputsOfGroup, taps) = (outputs / integer("group", 1), weights.shape[2] * weights.shape[3])
        var result = windowed(outputs: outputs, 0) { result, output, image, pixel, tap in
            let first = image * x.shape[1] + output / outputsOfGroup * inputsOfGroup
            for channel in 0..<inputsOfGroup {
                result +=
                    x.numbers[(first + channel) * pixels + pixel] * weights.numbers[(output * inputsOfGroup + channel) * taps + tap]
            }
        }
        guard inputs.count > 2 else { return result }
        let size = result.shape[2] * result.shape[3]
        for index in result.numbers.indices { result.numbers[index] += inputs[2].numbers[index / size % outputs] }
        return result
    }

    /// Calls `add(result, output channel, image, input pixel, tap)` for each tap of each window that is inside of the image.
    private func windowed(
        outputs: Int, _ initial: Double, _ add: (inout Double, _ output: Int, _ image: Int, _ pixel: Int, _ tap: Int) -> Void
    ) -> GraphValue {
        let (kernel, stride, padding) = (integers("kernel_shape")[0], integers("strides")[0], integers("pads")[0])
        let (height, width) = (x.shape[2], x.shape[3])
        let (high, wide) = ((height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1)
        var numbers = [Double](repeating: initial, count: x.shape[0] * outputs * high * wide)
        for index in numbers.indices {
            let (image, output) = (index / (wide * high * outputs), index / (wide * high) % outputs)
            let (top, left) = (index / wide % high * stride - padding, index % wide * stride - padding)
            for row in max(0, -top)..<min(kernel, height - top) {
                for column in max(0, -left)..<min(kernel, width - left) {
                    add(&numbers[index], output, image, (top + row) * width + left + column, row * kernel + column)
                }
            }
        }
        return GraphValue([x.shape[0], outputs, high, wide], numbers)
    }
}
