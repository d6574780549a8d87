/// Sizes of a dense 2-D convolution, or of a pooling window with equal channels. Images are NHWC, weights [kernel row, kernel
/// column, input channel, output channel]: a patch of the image and a column of the weights are then both contiguous.
public struct ConvolutionShape: Equatable, Sendable {
    public var batch: Int
    public var inputHeight: Int
    public var inputWidth: Int
    public var inputChannels: Int
    public var outputChannels: Int
    public var kernel: Int
    public var stride: Int
    public var padding: Int

    public init(
        batch: Int, inputHeight: Int, inputWidth: Int, inputChannels: Int, outputChannels: Int, kernel: Int,
        stride: Int, padding: Int
    ) {
        self.batch = batch
        self.inputHeight = inputHeight
        self.inputWidth = inputWidth
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    public var outputHeight: Int { (inputHeight + 2 * padding - kernel) / stride + 1 }
    public var outputWidth: Int { (inputWidth + 2 * padding - kernel) / stride + 1 }
    /// Input pixels of the whole batch.
    public var inputPixels: Int { batch * inputHeight * inputWidth }
    /// Output pixels of the whole batch: rows of the patch matrix.
    public var outputPixels: Int { batch * outputHeight * outputWidth }
    /// Floats in one patch: columns of the patch matrix.
    public var patchLength: Int { kernel * kernel * inputChannels }
    /// True where the patch matrix is the image itself.
    public var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }

    /// Whether Winograd's transforms of 3×3 kernels can be used; they go by eight channels.
    var allowsWinograd: Bool {
        kernel == 3 && stride == 1 && padding == 1 && inputChannels % 8 == 0 && outputChannels % 8 == 0
    }

    /// The convolution of the output's gradient that gives the input's gradient, for stride 1: the same kernel, turned by 180°,
    /// with input and output channels exchanged.
    var inputGradientShape: ConvolutionShape {
        ConvolutionShape(
            batch: batch, inputHeight: outputHeight, inputWidth: outputWidth, inputChannels: outputChannels,
            outputChannels: inputChannels, kernel: kernel, stride: 1, padding: kernel - 1 - padding)
    }
}
