/// The sizes of the tasks that kernels divide products into. They are tuned for one implementation of products. They determine where sums
/// are split, so changing them changes the last bits of results.
public struct Blocking: Sendable {
    /// Parts of a packed operand start at multiples of this many columns.
    public var columnUnit: Int

    /// Columns per task of the forward product, used if there are too few blocks of rows to keep the threads busy.
    public var taskColumns: Int
    /// Columns per task for results that would otherwise be a single task.
    public var narrowTaskColumns: Int

    /// Input channels (rows) per task of a 1×1 convolution's weight gradient.
    public var weightGradientRows: Int
    /// Input channels (rows) per task if there are more than `weightGradientManyColumns` output channels. There are enough tasks in this
    /// case.
    public var weightGradientRowsOfManyColumns: Int
    /// The number of output channels above which `weightGradientRowsOfManyColumns` applies.
    public var weightGradientManyColumns: Int
    /// Output channels (columns) per task of a 1×1 convolution's weight gradient.
    public var weightGradientColumns: Int

    /// The minimum number of slices of patch columns for the weight gradient of an im2col convolution. There are fewer if slices would be
    /// narrower than `patchSliceColumns`.
    public var patchSlices: Int
    /// The minimum width of a slice, in patch columns.
    public var patchSliceColumns: Int

    /// Channels per part of Winograd's products. 64 × 512 transformed weights of one group of positions fit the second-level cache.
    public var winogradPartChannels: Int
}

/// The costs of a 3×3 convolution of stride 1 in addition to its multiplications, in multiply-adds per weight. They are fitted to
/// measurements of one implementation of products (`drnet-benchmark kernels --convolutions`, docs/performance.md).
public struct ConvolutionCostModel: Sendable {
    /// A weight that is prepared once: 4 bytes are read from memory.
    public var preparedWeight: Int
    /// A weight that is transformed or copied, written and read in each direction, and whose gradient is transformed too.
    public var weight: Int
}
