import Kernels

/// The 3×3 maximum pool with stride 2 and padding 1 after a ResNet's stem.
struct MaximumPool: FeatureLayer {
    var parameters: [Parameter] { [] }

    func forward(_ input: FeatureMap, _ pass: Pass) -> Forward<FeatureMap, FeaturePullback> {
        let shape = Self.windowShape(input.shape)
        let output = Tensor(Self.outputShape(input.shape), input.context)
        guard pass.mode == .training else {
            Pooling.maximum(shape, input: input.rows, output: output.data, positions: nil, input.context)
            return Forward(FeatureMap(output), nil)
        }
        let positions = PositionBuffer(count: output.shape.count, input.context.buffers)
        Pooling.maximum(shape, input: input.rows, output: output.data, positions: positions.data, input.context)
        return Forward(FeatureMap(.keeping(output))) { gradient in
            let result = Tensor(input.shape, input.context)
            let sums = input.source?.makeSums(slots: input.shape.batch)
            Pooling.maximumInputGradient(
                shape, outputGradient: gradient.tensor.data, positions: positions.data, inputGradient: result.data,
                input.context
            ) { image, rows in
                guard let sums, let source = input.source else { return }
                source.add(image, rows, gradient: result, stored: input.stored, to: sums)
            }
            return FeatureGradient(result, sums: sums?.total)
        }
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape { Self.outputShape(shape) }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        recorder.add("maximumPool", .maximumPool(kernel: 3, stride: 2, padding: 1), [input])
    }

    private static func outputShape(_ input: Shape) -> Shape {
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
        private let buffers: BufferPool

        init(count: Int, _ buffers: BufferPool) {
            self.count = (count + 3) / 4
            self.buffers = buffers
            floats = buffers.take(self.count)
            data = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt8.self)
        }

        deinit { buffers.give(floats, count: count) }
    }
}

/// The mean over all pixels: [N, H, W, C] → [N, 1, 1, C].
enum GlobalAveragePool {
    static func forward(_ input: Tensor, _ pass: Pass) -> Forward<Tensor, (Tensor) -> Tensor> {
        let shape = input.shape
        let pixels = shape.height * shape.width
        let output = Tensor(Shape(batch: shape.batch, channels: shape.channels), input.context)
        Pooling.globalAverage(
            input.data, batch: shape.batch, pixels: pixels, channels: shape.channels, output: output.data, input.context)
        guard pass.mode == .training else { return Forward(output, nil) }
        return Forward(output) { gradient in
            let inputGradient = Tensor(shape, input.context)
            Pooling.globalAverageInputGradient(
                gradient.data, batch: shape.batch, pixels: pixels, channels: shape.channels,
                inputGradient: inputGradient.data, input.context)
            return inputGradient
        }
    }
}
