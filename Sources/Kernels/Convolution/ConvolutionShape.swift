/// The sizes of a dense 2-D convolution, or of a pooling window (which has as many output as input channels).
///
/// Images are NHWC. Weights are [kernel row, kernel column, input channel, output channel]. Each kernel row of a patch is contiguous in the
/// image, and each row of the weight matrix is contiguous.
public struct ConvolutionShape: Equatable, Sendable {
    /// Images in the batch.
    public var batch: Int
    /// Height of the input in pixels.
    public var inputHeight: Int
    /// Width of the input in pixels.
    public var inputWidth: Int
    /// Channels of the input.
    public var inputChannels: Int
    /// Channels of the output.
    public var outputChannels: Int
    /// Height and width of the kernel.
    public var kernel: Int
    /// Vertical and horizontal stride.
    public var stride: Int
    /// Zero pixels on each side of the image.
    public var padding: Int

    /// Creates a shape from its sizes.
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

    /// Height of the output in pixels.
    public var outputHeight: Int { (inputHeight + 2 * padding - kernel) / stride + 1 }
    /// Width of the output in pixels.
    public var outputWidth: Int { (inputWidth + 2 * padding - kernel) / stride + 1 }
    /// Input pixels of the whole batch.
    public var inputPixels: Int { batch * inputHeight * inputWidth }
    /// Output pixels of the whole batch: rows of the patch matrix.
    public var outputPixels: Int { batch * outputHeight * outputWidth }
    /// Floats in one patch: columns of the patch matrix.
    public var patchLength: Int { kernel * kernel * inputChannels }
    /// Whether the patch matrix is the image itself.
    public var isPointwise: Bool { kernel == 1 && stride == 1 && padding == 0 }

    /// Whether Winograd's transforms of 3×3 kernels support this shape. They process eight channels at a time.
    var allowsWinograd: Bool {
        kernel == 3 && stride == 1 && padding == 1 && inputChannels % KernelSet.columnUnit == 0
            && outputChannels % KernelSet.columnUnit == 0
    }

    /// The convolution that computes the input's gradient from the output's gradient, for stride 1. It uses the kernel rotated by 180° with
    /// input and output channels exchanged.
    var inputGradientShape: ConvolutionShape {
        ConvolutionShape(
            batch: batch, inputHeight: outputHeight, inputWidth: outputWidth, inputChannels: outputChannels,
            outputChannels: inputChannels, kernel: kernel, stride: 1, padding: kernel - 1 - padding)
    }
}
