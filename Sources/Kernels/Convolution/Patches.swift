/// Gathers rows of the patch matrix (im2col) one block at a time, so that they stay in cache. The whole matrix never exists.
enum Patches {
    /// Copies the columns `columns` of the patches of the output pixels `pixels` (numbered over the batch) to `patches`, row by row.
    /// Elements in the padding become 0.
    ///
    /// In NHWC one kernel row of a patch is contiguous in the image, so each kernel row and pixel needs one copy.
    static func gather(
        _ input: UnsafePointer<Float>, _ shape: ConvolutionShape, pixels: Range<Int>, columns: Range<Int>,
        into patches: UnsafeMutablePointer<Float>
    ) {
        visit(shape, pixels: pixels, columns: columns) { source, destination, length in
            if let source {
                (patches + destination).update(from: input + source, count: length)
            } else {
                (patches + destination).update(repeating: 0, count: length)
            }
        }
    }

    /// Adds the rows of a patch matrix to the image positions that `gather` reads them from (col2im).
    static func scatterAdd(
        _ patches: UnsafePointer<Float>, _ shape: ConvolutionShape, pixels: Range<Int>,
        into input: UnsafeMutablePointer<Float>
    ) {
        visit(shape, pixels: pixels, columns: 0..<shape.patchLength) { source, destination, length in
            guard let source else { return }
            let target = input + source
            let values = patches + destination
            for index in 0..<length { target[index] += values[index] }
        }
    }

    /// Calls `run(offset in the image or nil for padding, offset in the patch block, length)` for every contiguous piece.
    @inline(__always)
    private static func visit(
        _ shape: ConvolutionShape, pixels: Range<Int>, columns: Range<Int>,
        _ run: (_ source: Int?, _ destination: Int, _ length: Int) -> Void
    ) {
        let channels = shape.inputChannels
        let rowLength = shape.kernel &* channels
        let imageRow = shape.inputWidth &* channels
        let firstKernelRow = columns.lowerBound / rowLength
        let lastKernelRow = (columns.upperBound &- 1) / rowLength
        let (outputHeight, outputWidth) = (shape.outputHeight, shape.outputWidth)
        var column = pixels.lowerBound % outputWidth
        var row = pixels.lowerBound / outputWidth % outputHeight
        var image = pixels.lowerBound / (outputWidth &* outputHeight)
        for pixel in 0..<pixels.count {
            let left = (column &* shape.stride &- shape.padding) &* channels
            for kernelRow in firstKernelRow...lastKernelRow {
                // The requested part of this kernel row, in floats from the left edge of the patch.
                let low = max(columns.lowerBound &- kernelRow &* rowLength, 0)
                let high = min(columns.upperBound &- kernelRow &* rowLength, rowLength)
                let destination = pixel &* columns.count &+ kernelRow &* rowLength &+ low &- columns.lowerBound
                let inputRow = row &* shape.stride &- shape.padding &+ kernelRow
                if inputRow < 0 || inputRow >= shape.inputHeight {
                    run(nil, destination, high &- low)
                    continue
                }
                let inside = max(low, min(high, -left))..<max(low, min(high, imageRow &- left))
                let start = (image &* shape.inputHeight &+ inputRow) &* imageRow &+ left
                if inside.lowerBound > low { run(nil, destination, inside.lowerBound &- low) }
                if !inside.isEmpty {
                    run(start &+ inside.lowerBound, destination &+ inside.lowerBound &- low, inside.count)
                }
                if high > max(inside.upperBound, low) {
                    run(nil, destination &+ inside.upperBound &- low, high &- inside.upperBound)
                }
            }
            column &+= 1
            if column == outputWidth {
                column = 0
                row &+= 1
                if row == outputHeight {
                    row = 0
                    image &+= 1
                }
            }
        }
    }
}
