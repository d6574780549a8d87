/// The weight gradient of a depthwise convolution: Σ input · outputGradient over the pixels of the output, for each tap of the kernel and
/// each channel.
enum DepthwiseWeightGradient {
    /// Taps of a kernel row that are summed at a time. Their sums for 16 channels, a cache line, are in registers.
    private static let tapsAtOnce = 3

    /// sums [kernel × kernel × channels] += the terms of one row of the output.
    ///
    /// - Parameters:
    ///   - row: of the output.
    ///   - shape: of the convolution.
    ///   - input: row 0 of the image.
    ///   - outputGradient: row 0 of the image's gradient.
    ///   - sums: of the image.
    static func addRow(
        _ row: Int, _ shape: ConvolutionShape, input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
        to sums: UnsafeMutablePointer<Float>
    ) {
        let channels = shape.inputChannels
        let gradients = outputGradient + row * shape.outputWidth * channels
        for kernelRow in 0..<shape.kernel {
            let inputRow = row * shape.stride - shape.padding + kernelRow
            guard 0..<shape.inputHeight ~= inputRow else { continue }
            let values = input + inputRow * shape.inputWidth * channels
            for tap in stride(from: 0, to: shape.kernel, by: tapsAtOnce) {
                let taps = min(tapsAtOnce, shape.kernel - tap)
                let part = Part(
                    taps: taps, channels: channels, stride: shape.stride, firstColumn: tap - shape.padding, width: shape.inputWidth,
                    outputWidth: shape.outputWidth)
                part.add(values, gradients, to: sums + (kernelRow * shape.kernel + tap) * channels)
            }
        }
    }

    /// Some neighbouring taps of a kernel row.
    private struct Part {
        var taps: Int
        var channels: Int
        var stride: Int
        /// The input column of the first tap at output column 0.
        var firstColumn: Int
        /// Columns of the input.
        var width: Int
        var outputWidth: Int

        func add(_ values: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>) {
            // Output columns all of whose taps are inside of the input.
            let first = min(outputWidth, max(0, (-firstColumn + stride - 1) / stride))
            let last = width - taps - firstColumn
            let inside = first..<max(first, min(outputWidth, last < 0 ? 0 : last / stride + 1))
            var channel = 0
            while channel &+ 16 <= channels {
                addVectors(inside, values + channel, gradients + channel, sums + channel, isDouble: true)
                channel &+= 16
            }
            if channel &+ 8 <= channels {
                addVectors(inside, values + channel, gradients + channel, sums + channel, isDouble: false)
                channel &+= 8
            }
            for column in inside { addPixel(column, channel..<channels, values, gradients, sums) }
            for column in 0..<inside.lowerBound { addPixel(column, 0..<channels, values, gradients, sums) }
            for column in inside.upperBound..<outputWidth { addPixel(column, 0..<channels, values, gradients, sums) }
        }

        /// Adds the terms of eight or 16 channels in `columns`.
        @inline(__always)
        private func addVectors(
            _ columns: Range<Int>, _ values: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
            isDouble: Bool
        ) {
            switch taps {
            case 3: addVectors(columns, values, gradients, sums, isDouble: isDouble, taps: 3)
            case 2: addVectors(columns, values, gradients, sums, isDouble: isDouble, taps: 2)
            default: addVectors(columns, values, gradients, sums, isDouble: isDouble, taps: 1)
            }
        }

        @inline(__always)
        private func addVectors(
            _ columns: Range<Int>, _ values: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
            isDouble: Bool, taps: Int
        ) {
            var s0 = Channels8.zero, s1 = Channels8.zero, s2 = Channels8.zero
            var t0 = Channels8.zero, t1 = Channels8.zero, t2 = Channels8.zero
            for column in columns {
                let gradient = gradients + column &* channels
                let value = values + (column &* stride &+ firstColumn) &* channels
                let g = Channels8(at: gradient)
                let h = isDouble ? Channels8(at: gradient + 8) : .zero
                s0.addProduct(Channels8(at: value), g)
                if isDouble { t0.addProduct(Channels8(at: value + 8), h) }
                if taps > 1 {
                    s1.addProduct(Channels8(at: value + channels), g)
                    if isDouble { t1.addProduct(Channels8(at: value + (channels &+ 8)), h) }
                }
                if taps > 2 {
                    s2.addProduct(Channels8(at: value + 2 &* channels), g)
                    if isDouble { t2.addProduct(Channels8(at: value + (2 &* channels &+ 8)), h) }
                }
            }
            func add(_ tap: Int, _ first: Channels8, _ second: Channels8) {
                let target = sums + tap &* channels
                (Channels8(at: target) + first).store(to: target)
                if isDouble { (Channels8(at: target + 8) + second).store(to: target + 8) }
            }
            add(0, s0, t0)
            if taps > 1 { add(1, s1, t1) }
            if taps > 2 { add(2, s2, t2) }
        }

        /// Adds the terms of one output column for the taps inside of the input.
        private func addPixel(
            _ column: Int, _ part: Range<Int>, _ values: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>,
            _ sums: UnsafeMutablePointer<Float>
        ) {
            let gradient = gradients + column &* channels
            for tap in 0..<taps {
                let inputColumn = column &* stride &+ firstColumn &+ tap
                guard inputColumn >= 0, inputColumn < width else { continue }
                let (value, sum) = (values + inputColumn &* channels, sums + tap &* channels)
                for channel in part { sum[channel] += value[channel] * gradient[channel] }
            }
        }
    }
}
