/// How the kernels divide products into tasks: sizes that are tuned for one implementation of products. They decide where sums are cut, so
/// that a change of them changes the last bits of results.
public struct Blocking: Sendable {
    /// Parts of a packed operand begin at multiples of this many columns.
    public var columnUnit: Int

    /// Columns of a task of the forward product, where there are too few blocks of rows to occupy the threads.
    public var taskColumns: Int
    /// The same for results that would be a single task.
    public var narrowTaskColumns: Int

    /// The weight gradient of a 1×1 convolution is divided into tasks of so many input channels (rows) and output channels (columns).
    public var weightGradientRows: Int
    /// Rows where there are more than `weightGradientManyColumns` output channels: the tasks remain enough.
    public var weightGradientRowsOfManyColumns: Int
    public var weightGradientManyColumns: Int
    public var weightGradientColumns: Int

    /// The weight gradient of a patch convolution is divided into at least so many slices of patch columns, where these keep the width
    /// below.
    public var patchSlices: Int
    public var patchSliceColumns: Int

    /// Channels of a part of Winograd's products: 64 × 512 transformed weights of one group of positions fit the second-level cache.
    public var winogradPartChannels: Int
}

/// What a 3×3 convolution of stride 1 costs beside its multiplications, in multiply-adds for each weight. Fitted to measurements of one
/// implementation of products (`drnet-benchmark kernels --convolutions`, docs/performance.md).
public struct ConvolutionCostModel: Sendable {
    /// Weights that are prepared once: 4 bytes are read from memory.
    public var preparedWeight: Int
    /// Weights that are transformed or copied, written and read in each direction, and whose gradient is transformed back.
    public var weight: Int
}
