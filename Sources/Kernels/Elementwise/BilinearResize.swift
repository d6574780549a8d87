/// Resizes one image [H, W, C] with interleaved channels by antialiased bilinear interpolation, like
/// `torchvision.transforms.v2.functional.resize(…, antialias=True)` and PIL. The triangle filter widens with the scale when shrinking. The
/// filter is separable. `init` computes the weights once; any number of images and threads can use them.
///
/// A window restricts the result to a part of the output. Its values are bit-identical to those of the whole output. Computation and memory
/// are proportional to the window, not to the output.
///
/// A call runs on the calling thread only and allocates temporary memory for one row of the input, as far as the window needs it.
public struct BilinearResize: Sendable {
    /// Height of the input in pixels.
    public let inputHeight: Int
    /// Width of the input in pixels.
    public let inputWidth: Int
    /// Height of the output, or of its window, in pixels.
    public let outputHeight: Int
    /// Width of the output, or of its window, in pixels.
    public let outputWidth: Int
    private let rows: TriangleFilter
    private let columns: TriangleFilter

    /// Computes the weights for the given sizes, in pixels. All sizes must be positive.
    public init(inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int) {
        self.init(
            inputHeight: inputHeight, inputWidth: inputWidth, outputHeight: outputHeight, outputWidth: outputWidth,
            windowRows: 0..<max(outputHeight, 1), windowColumns: 0..<max(outputWidth, 1))
    }

    /// Computes the weights for a window of the output. The window is then the whole output of a call.
    ///
    /// - Parameters:
    ///   - inputHeight: height of the input in pixels.
    ///   - inputWidth: width of the input in pixels.
    ///   - outputHeight: height in pixels of the whole output, which no call computes.
    ///   - outputWidth: width in pixels of the whole output.
    ///   - windowRows: the rows of the whole output that calls compute; not empty.
    ///   - windowColumns: the columns of the whole output that calls compute; not empty.
    public init(
        inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int, windowRows: Range<Int>, windowColumns: Range<Int>
    ) {
        precondition(
            min(inputHeight, inputWidth, outputHeight, outputWidth) >= 1,
            "cannot resize \(inputHeight)×\(inputWidth) to \(outputHeight)×\(outputWidth)")
        precondition(
            !windowRows.isEmpty && !windowColumns.isEmpty && windowRows.lowerBound >= 0 && windowRows.upperBound <= outputHeight
                && windowColumns.lowerBound >= 0 && windowColumns.upperBound <= outputWidth,
            "the window \(windowRows) × \(windowColumns) is not inside of \(outputHeight)×\(outputWidth)")
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.outputHeight = windowRows.count
        self.outputWidth = windowColumns.count
        rows = TriangleFilter(inputCount: inputHeight, outputCount: outputHeight, outputs: windowRows)
        columns = TriangleFilter(inputCount: inputWidth, outputCount: outputWidth, outputs: windowColumns)
    }

    /// Computes the weights that resize the central part of the input. Pixels around it enter the result at the borders, as if the whole
    /// input had been resized and then cropped.
    ///
    /// - Parameters:
    ///   - inputSize: height and width of the input in pixels.
    ///   - outputSize: height and width of the output in pixels.
    ///   - centralShare: the side of the central part as a share of the input's side; above 0, up to 1. The side in pixels need not be a
    ///     whole number.
    public init(inputSize: Int, outputSize: Int, centralShare: Double) {
        precondition(inputSize >= 1 && outputSize >= 1, "cannot resize \(inputSize) to \(outputSize)")
        precondition(centralShare > 0 && centralShare <= 1, "a part of \(centralShare)")
        (inputHeight, inputWidth) = (inputSize, inputSize)
        (outputHeight, outputWidth) = (outputSize, outputSize)
        rows = TriangleFilter(inputCount: inputSize, outputCount: outputSize, centralShare: centralShare)
        columns = rows
    }

    /// The weights of the input's rows for each row of the output: [outputHeight × inputHeight], row-major.
    public var rowMatrix: [Float] {
        var matrix = [Float](repeating: 0, count: outputHeight * inputHeight)
        for row in 0..<outputHeight {
            rows.weights(of: row) { weights, count in
                for tap in 0..<count { matrix[row * inputHeight + rows.starts[row] + tap] = weights[tap] }
            }
        }
        return matrix
    }

    /// Overwrites `output` [outputHeight, outputWidth, channels] with the resized image. At equal sizes the result is an exact copy.
    ///
    /// - Parameters:
    ///   - input: the first sample of the window to resize. Offset it to resize a crop.
    ///   - rowStride: the distance from one input row to the next in samples (not bytes, not pixels).
    ///   - channels: samples of a pixel.
    ///   - outputRows: the rows of the output to write; nil for all.
    ///   - output: the first sample of the output, also if only some rows are written.
    public func callAsFunction(
        _ input: UnsafePointer<Float>, rowStride: Int, channels: Int, outputRows: Range<Int>? = nil,
        into output: UnsafeMutablePointer<Float>
    ) {
        resize(input, rowStride: rowStride, channels: channels, rows: outputRows ?? 0..<outputHeight, into: output) { $0 }
    }

    /// Resizes an image of bytes. The output holds values of 0…255, not rounded.
    public func callAsFunction(
        _ input: UnsafePointer<UInt8>, rowStride: Int, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        resize(input, rowStride: rowStride, channels: channels, rows: 0..<outputHeight, into: output) { Float($0) }
    }

    /// Blends rows first. That loop runs along a whole row and vectorises with any number of channels. The slower blend of columns then
    /// processes only the rows of the output.
    @inline(__always)
    private func resize<Sample>(
        _ input: UnsafePointer<Sample>, rowStride: Int, channels: Int, rows outputRows: Range<Int>,
        into output: UnsafeMutablePointer<Float>, float: (Sample) -> Float
    ) {
        // The columns of the input that the output needs.
        let first = columns.starts[0]
        let rowLength = (columns.end - first) * channels
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rowLength) { temporary in
            let blended = temporary.baseAddress!
            for row in outputRows {
                let window = input + rows.starts[row] * rowStride + first * channels
                blendRows(window, rowStride: rowStride, rowLength: rowLength, row: row, into: blended, float: float)
                let target = output + row * outputWidth * channels
                if channels == 3 {
                    blendColumnsOfThreeChannels(blended, first: first, into: target)
                } else {
                    blendColumns(blended, first: first, channels: channels, into: target)
                }
            }
        }
    }

    /// blended[x] = Σ_t weight[row, t] · window[t, x]. The first term overwrites `blended`.
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
        _ blended: UnsafePointer<Float>, first: Int, into output: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<outputWidth {
            var source = blended + (columns.starts[column] - first) * 3
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
        _ blended: UnsafePointer<Float>, first: Int, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        for column in 0..<outputWidth {
            let source = blended + (columns.starts[column] - first) * channels
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

/// The inputs and weights of each output along one axis: scale = inputs / outputs, support = max(scale, 1), weight ∝ max(0, 1 − |j + ½ − (i
/// + ½)·scale| / support) for output i and input j. Weights are normalised to a sum of 1 over the existing inputs.
struct TriangleFilter: Sendable {
    /// The first input of each output.
    private(set) var starts: [Int] = []
    /// The start of each output's weights in `weights`, followed by the total number of weights.
    private var offsets: [Int] = [0]
    private var weights: [Float] = []

    /// The end of the inputs of the last output.
    var end: Int { starts[starts.count - 1] + offsets[starts.count] - offsets[starts.count - 1] }

    /// - Parameters:
    ///   - inputCount: the number of inputs.
    ///   - outputCount: the number of outputs.
    ///   - outputs: the outputs whose weights are computed; nil for all. The first of them has the index 0.
    ///   - centralShare: the share of the inputs, around the centre, that all outputs together cover.
    init(inputCount: Int, outputCount: Int, outputs: Range<Int>? = nil, centralShare: Double = 1) {
        let covered = Double(inputCount) * centralShare
        let start = (Double(inputCount) - covered) / 2
        let scale = covered / Double(outputCount)
        let support = max(scale, 1)
        for output in outputs ?? 0..<outputCount {
            let centre = start + (Double(output) + 0.5) * scale
            let low = max(Int(centre - support + 0.5), 0)
            let high = min(Int(centre + support + 0.5), inputCount)
            let taps = (low..<high).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / support) }
            // Zero weights at the ends are dropped. Resizing to the same size then copies even infinite values.
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
