import Kernels

/// The 3×3 maximum pool with stride 2 and padding 1 behind a ResNet's stem.
enum MaximumPool {
    static func forward(_ input: Activations, _ pass: Pass) -> BlockForward {
        let shape = windowShape(input.shape)
        let output = Tensor(outputShape(input.shape))
        guard pass.mode == .training else {
            Pooling.maximum(shape, input: input.rows, output: output.data, positions: nil)
            return BlockForward(Activations(output), nil)
        }
        let positions = PositionBuffer(count: output.shape.count)
        Pooling.maximum(shape, input: input.rows, output: output.data, positions: positions.data)
        return BlockForward(Activations(output)) { gradient in
            let result = Tensor(input.shape)
            let sums = input.source?.makeSums(slots: input.shape.batch)
            Pooling.maximumInputGradient(
                shape, outputGradient: gradient.tensor.data, positions: positions.data, inputGradient: result.data
            ) { image, rows in
                guard let sums, let source = input.source else { return }
                source.add(image, rows, gradient: result, stored: input.stored, to: sums)
            }
            return ActivationGradient(result, sums: sums?.total)
        }
    }

    static func outputShape(_ input: Shape) -> Shape {
        let shape = windowShape(input)
        return Shape(
            batch: input.batch, height: shape.outputHeight, width: shape.outputWidth, channels: input.channels)
    }

    private static func windowShape(_ input: Shape) -> ConvolutionShape {
        ConvolutionShape(
            batch: input.batch, inputHeight: input.height, inputWidth: input.width, inputChannels: input.channels,
            outputChannels: input.channels, kernel: 3, stride: 2, padding: 1)
    }

    /// One byte an output element, from the buffer pool.
    private final class PositionBuffer {
        let data: UnsafeMutablePointer<UInt8>
        private let floats: UnsafeMutablePointer<Float>
        private let count: Int

        init(count: Int) {
            self.count = (count + 3) / 4
            floats = BufferPool.shared.take(self.count)
            data = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt8.self)
        }

        deinit { BufferPool.shared.give(floats, count: count) }
    }
}

/// The mean over all pixels: [N, H, W, C] → [N, 1, 1, C].
enum GlobalAveragePool {
    static func forward(_ input: Tensor, _ pass: Pass) -> Forward {
        let shape = input.shape
        let pixels = shape.height * shape.width
        let output = Tensor(Shape(batch: shape.batch, channels: shape.channels))
        Pooling.globalAverage(
            input.data, batch: shape.batch, pixels: pixels, channels: shape.channels, output: output.data)
        guard pass.mode == .training else { return Forward(output, nil) }
        return Forward(output) { gradient in
            let inputGradient = Tensor(shape)
            Pooling.globalAverageInputGradient(
                gradient.data, batch: shape.batch, pixels: pixels, channels: shape.channels,
                inputGradient: inputGradient.data)
            return inputGradient
        }
    }
}
