extension Parameter {
    /// The values in torchvision's layout, row-major.
    public func fileValues() -> [Float] { inFileLayout(values) }

    /// The gradient in torchvision's layout, row-major.
    public func fileGradient() -> [Float] { inFileLayout(gradient) }

    /// Elements that lie as this parameter's values do (a momentum buffer, say), in torchvision's layout.
    public func inFileLayout(_ source: UnsafePointer<Float>) -> [Float] {
        var result = [Float](repeating: 0, count: count)
        for (index, target) in filePositions().enumerated() { result[target] = source[index] }
        return result
    }

    /// target ← elements that come in torchvision's layout.
    public func fromFileLayout(_ elements: [Float], into target: UnsafeMutablePointer<Float>) {
        precondition(elements.count == count, "\(name): \(elements.count) elements for the shape \(fileShape)")
        for (index, position) in filePositions().enumerated() { target[index] = elements[position] }
    }

    /// values ← elements that come in torchvision's layout.
    public func setFileValues(_ elements: [Float]) {
        fromFileLayout(elements, into: values)
    }

    /// For each element in the order of memory, its position in the file's order.
    private func filePositions() -> [Int] {
        if layout == .plain { return Array(0..<count) }
        let (outputs, inputs) = (fileShape[0], fileShape[1])
        let (rows, columns) = (fileShape[2], fileShape[3])
        var positions: [Int] = []
        positions.reserveCapacity(count)
        for row in 0..<rows {
            for column in 0..<columns {
                for input in 0..<inputs {
                    for output in 0..<outputs {
                        positions.append(((output * inputs + input) * rows + row) * columns + column)
                    }
                }
            }
        }
        return positions
    }
}
