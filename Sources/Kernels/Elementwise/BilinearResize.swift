/// Antialiased bilinear resizing of one image [H, W, C] with interleaved channels, as
/// `torchvision.transforms.v2.functional.resize(…, antialias=True)` and PIL do it: a triangle filter that widens with the
/// scale when shrinking. Separable; the weights are computed once, in `init`, and serve any number of images and threads.
///
/// A call runs on the calling thread only and takes temporary memory for one row of the input.
public struct BilinearResize: Sendable {
    public let inputHeight: Int
    public let inputWidth: Int
    public let outputHeight: Int
    public let outputWidth: Int
    private let rows: TriangleFilter
    private let columns: TriangleFilter

    public init(inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int) {
        precondition(
            min(inputHeight, inputWidth, outputHeight, outputWidth) >= 1,
            "cannot resize \(inputHeight)×\(inputWidth) to \(outputHeight)×\(outputWidth)")
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        rows = TriangleFilter(inputCount: inputHeight, outputCount: outputHeight)
        columns = TriangleFilter(inputCount: inputWidth, outputCount: outputWidth)
    }

    /// Overwrites `output` [outputHeight, outputWidth, channels]. At equal sizes this is an exact copy.
    /// - Parameters:
    ///   - input: the first sample of the window to resize; offset it to resize a crop.
    ///   - rowStride: samples (not bytes, not pixels) from one input row to the next.
    ///   - outputRows: of the output, those to write; nil for all.
    public func callAsFunction(
        _ input: UnsafePointer<Float>, rowStride: Int, channels: Int, outputRows: Range<Int>? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        resize(input, rowStride: rowStride, channels: channels, rows: outputRows ?? 0..<outputHeight, into: output) { $0 }
    }

    /// The same for bytes: the output holds values of 0…255, not rounded.
    public func callAsFunction(
        _ input: UnsafePointer<UInt8>, rowStride: Int, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        resize(input, rowStride: rowStride, channels: channels, rows: 0..<outputHeight, into: output) { Float($0) }
    }

    /// Rows are blended first: that loop is a plain one along the whole row and vectorises at any number of channels, and it
    /// leaves the slower blend of columns only the rows of the output to do.
    @inline(__always)
    private func resize<Sample>(
        _ input: UnsafePointer<Sample>, rowStride: Int, channels: Int, rows outputRows: Range<Int>,
        into output: UnsafeMutablePointer<Float>, float: (Sample) -> Float
    ) {
        let rowLength = inputWidth * channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rowLength) { temporary in
            let blended = temporary.baseAddress!
            for row in outputRows {
                let window = input + rows.starts[row] * rowStride
                blendRows(window, rowStride: rowStride, rowLength: rowLength, row: row, into: blended, float: float)
                let target = output + row * outputWidth * channels
                if channels == 3 {
                    blendColumnsOfThreeChannels(blended, into: target)
                } else {
                    blendColumns(blended, channels: channels, into: target)
                }
            }
        }
    }

    /// blended[x] = Σ_t weight[row, t] · window[t, x], the first term overwriting.
    @inline(__always)
    private func blendRows<Sample>(
        _ window: UnsafePointer<Sample>, rowStride: Int, rowLength: Int, row: Int,
        into blended: UnsafeMutablePointer<Float>, float: (Sample) -> Float
    ) {
        rows.weights(of: row) { weights, count in
            let first = weights[0]
            for x in 0..<rowLength { blended[x] = first * float(window[x]) }
            for tap in 1..<count {
                let weight = weights[tap]
                let source = window + tap * rowStride
                for x in 0..<rowLength { blended[x] = blended[x].addingProduct(weight, float(source[x])) }
            }
        }
    }

    private func blendColumnsOfThreeChannels(
        _ blended: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<outputWidth {
            var source = blended + columns.starts[column] * 3
            var (red, green, blue) = (Float(0), Float(0), Float(0))
            columns.weights(of: column) { weights, count in
                for tap in 0..<count {
                    red = red.addingProduct(weights[tap], source[0])
                    green = green.addingProduct(weights[tap], source[1])
                    blue = blue.addingProduct(weights[tap], source[2])
                    source += 3
                }
            }
            output[column * 3] = red
            output[column * 3 + 1] = green
            output[column * 3 + 2] = blue
        }
    }

    private func blendColumns(
        _ blended: UnsafePointer<Float>, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<outputWidth {
            let source = blended + columns.starts[column] * channels
            let target = output + column * channels
            columns.weights(of: column) { weights, count in
                for channel in 0..<channels { target[channel] = weights[0] * source[channel] }
                for tap in 1..<count {
                    for channel in 0..<channels {
                        target[channel] = target[channel].addingProduct(weights[tap], source[tap * channels + channel])
                    }
                }
            }
        }
    }
}

/// Which inputs make output i along one axis, and with which weights: scale = inputs / outputs, support = max(scale, 1),
/// weight ∝ max(0, 1 − |j + ½ − (i + ½)·scale| / support), normalised to sum 1 over the inputs that exist.
struct TriangleFilter: Sendable {
    /// The first input of each output.
    private(set) var starts: [Int] = []
    /// Where each output's weights begin in `weights`, and one past the last.
    private var offsets: [Int] = [0]
    private var weights: [Float] = []

    init(inputCount: Int, outputCount: Int) {
        let scale = Double(inputCount) / Double(outputCount)
        let support = max(scale, 1)
        for output in 0..<outputCount {
            let centre = (Double(output) + 0.5) * scale
            let low = max(Int(centre - support + 0.5), 0)
            let high = min(Int(centre + support + 0.5), inputCount)
            let taps = (low..<high).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / support) }
            // Without the zero weights at the ends, equal sizes are a copy even of infinite values.
            let used = taps.firstIndex { $0 > 0 }!...taps.lastIndex { $0 > 0 }!
            let sum = taps.reduce(0, +)
            starts.append(low + used.lowerBound)
            weights += taps[used].map { Float($0 / sum) }
            offsets.append(weights.count)
        }
    }

    @inline(__always)
    func weights(of output: Int, _ body: (UnsafePointer<Float>, Int) -> Void) {
        weights.withUnsafeBufferPointer { all in
            body(all.baseAddress! + offsets[output], offsets[output + 1] - offsets[output])
        }
    }
}
