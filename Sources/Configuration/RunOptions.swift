extension TrainingConfiguration {
    /// Intervals and number of checkpoints.
    public struct CheckpointOptions: Equatable, Sendable {
        /// Steps between checkpoints; 0 disables checkpoints by steps.
        public var everySteps: Int
        /// Minutes between checkpoints; 0 disables checkpoints by time.
        public var everyMinutes: Double
        /// Number of the newest checkpoints that are kept, in addition to the best.
        public var keep: Int
        /// Whether training goes on while another thread writes a copy of the state.
        public var background: Bool

        init(_ section: ConfigurationSection) {
            everySteps = section.integer(
                "everySteps", default: 0, 0...Int.max, about: "steps between checkpoints, besides those at the end of each epoch; 0: none")
            everyMinutes = section.number(
                "everyMinutes", default: 10, .notNegative, about: "minutes between checkpoints, likewise; 0: none")
            keep = section.integer("keep", default: 3, 1...10_000, about: "number of newest checkpoints to keep, besides the best")
            background = section.boolean(
                "background", default: true,
                about: """
                    training goes on while another thread writes a copy of the state, which takes the memory of a checkpoint; false: \
                    training waits ([checkpoints.md](checkpoints.md))
                    """)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("everySteps", .value(everySteps)), ("everyMinutes", .value(everyMinutes)), ("keep", .value(keep)),
                ("background", .value(background)),
            ])
        }
    }

    /// Evaluations in and after training.
    public struct EvaluationOptions: Equatable, Sendable {
        /// Epochs between evaluations. The last epoch of a stage is always evaluated.
        public var everyEpochs: Int
        /// Images of a batch on each rank.
        public var batchSize: Int

        init(_ section: ConfigurationSection) {
            everyEpochs = section.integer(
                "everyEpochs", default: 1, 1...100_000,
                about: "epochs between evaluations; the last epoch of a stage is evaluated in any case")
            batchSize = section.integer("batchSize", default: 64, 1...100_000, about: "images per batch on each rank")
            section.finish()
        }

        var text: ConfigurationText {
            .section([("everyEpochs", .value(everyEpochs)), ("batchSize", .value(batchSize))])
        }
    }

    /// The implementation of matrix products.
    public enum Products: String, CaseIterable, Sendable {
        /// The one that a short measurement finds faster on this processor.
        case auto
        case openblas, tiles
    }

    /// The vector instructions of the tiles.
    public enum Instructions: String, CaseIterable, Sendable {
        /// The widest that the processor has.
        case auto
        case avx2, avx512
    }

    /// The precision of the operands of matrix products.
    public enum ProductsPrecision: String, CaseIterable, Sendable {
        case float32
        case bfloat16
        /// bfloat16 if all processors multiply it fast.
        case auto
    }

    /// The kernels of the networks.
    public struct KernelOptions: Equatable, Sendable {
        /// Whether 3×3 convolutions may use Winograd's transforms: faster, with rounding errors a few times as large.
        public var winograd: Bool
        public var products: Products
        public var instructions: Instructions
        public var precision: ProductsPrecision

        init(_ section: ConfigurationSection) {
            winograd = section.boolean(
                "winograd", default: true,
                about: """
                    compute 3×3 convolutions by Winograd's F(4×4, 3×3) or F(2×2, 3×3) where a cost model predicts a gain. Rounding errors \
                    of F(4×4) are about twice as large ([performance.md](performance.md))
                    """)
            products = section.choice(
                "products", default: .auto,
                about: """
                    implementation of the matrix products of convolutions and linear layers. `openblas`: OpenBLAS's sgemm. `tiles`: this \
                    project's micro-kernels. `auto`: a measurement of under 2 seconds selects the faster one; the result is cached by \
                    processor in `$XDG_CACHE_HOME/drnet` (default `~/.cache/drnet`). All ranks use the choice of rank 0. `kernels.json` of \
                    the run folder records it, and a resumed run keeps it. The choices differ in the last bits of results
                    """)
            instructions = section.choice(
                "instructions", default: .auto,
                about: """
                    vector instructions of the tiles. `auto`: the fastest that the processor has, measured on each rank. They change no \
                    bit of the results, so a cluster or a resumed run can mix them. `avx512` is refused where a processor lacks AVX-512F
                    """)
            precision = section.choice(
                "precision", default: .float32,
                about: """
                    numbers of convolutions. `bfloat16`: what a step keeps for its backward pass has 16 bits, and the operands of direct \
                    products are rounded to them; sums, Winograd's products, linear layers, weights and optimiser keep 32 bits. Takes a \
                    third less memory. `auto`: bfloat16 if the processors of all ranks multiply it faster than floats, otherwise \
                    float32; a resumed run keeps its choice ([performance.md](performance.md#bfloat16))
                    """)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("winograd", .value(winograd)), ("products", .scalar(products.rawValue)), ("instructions", .scalar(instructions.rawValue)),
                ("precision", .scalar(precision.rawValue)),
            ])
        }
    }

    /// How the ranks share the work of images that were routed to different resolutions.
    public enum WorkBalance: String, CaseIterable, Sendable {
        /// Each rank classifies its own images.
        case none
        /// Images move between the ranks until all have about equal multiply-adds.
        case flops
    }

    /// How the gradients are summed over the ranks.
    public enum GradientSums: String, CaseIterable, Sendable {
        /// While the backward pass runs, first between the ranks of a host, then between the hosts.
        case auto
        /// While the backward pass runs, along one ring of all ranks.
        case ring
        /// After the backward pass, with the MPI library's MPI_Allreduce.
        case library
    }

    /// The numbers in which gradients travel between hosts. Their sums are computed in 32 bits.
    public enum GradientFormat: String, CaseIterable, Sendable {
        case float32, bfloat16
    }

    /// Sums over the ranks, their work, and their supervision.
    public struct CommunicationOptions: Equatable, Sendable {
        public var algorithm: GradientSums
        /// The size of the parts in which gradients are summed while the backward pass runs.
        public var bucketMegabytes: Double
        public var gradients: GradientFormat
        /// With `deterministic`: the number of ranks whose results the run has, whatever its own number.
        public var logicalRanks: Int
        /// The job ends if a rank that others wait for makes no progress for longer; 0 waits without a limit.
        public var timeoutSeconds: Double
        /// The same for a rank that saves a checkpoint.
        public var saveTimeoutSeconds: Double
        /// Steps between comparisons of the replicas' checksums; 0 disables them.
        public var replicaCheckSteps: Int
        /// Whether images move between the ranks in fine-tuning.
        public var balance: WorkBalance

        /// `bucketMegabytes` in bytes.
        public var bucketBytes: Int { Int(bucketMegabytes * 1e6) }

        init(_ section: ConfigurationSection) {
            algorithm = section.choice(
                "algorithm", default: .auto,
                about: """
                    how gradients are summed over the ranks. `auto`: while the backward pass runs; the ranks of a host sum first, then the \
                    hosts. `ring`: while the backward pass runs, along one ring of all ranks. `library`: after the backward pass, with the \
                    MPI library's `MPI_Allreduce`. At three ranks and more, the choices differ in the last bits of results \
                    ([communication.md](communication.md))
                    """)
            bucketMegabytes = section.number(
                "bucketMegabytes", default: 2, .between(0.01, 1000),
                about: """
                    size of the parts in which gradients are summed while the backward pass runs, in 10⁶ bytes. At three ranks and more, \
                    it changes the last bits of results
                    """)
            gradients = section.choice(
                "gradients", default: .float32,
                about: """
                    numbers in which gradients travel between hosts, or along the only ring: `float32` or `bfloat16`. With `bfloat16`, \
                    half as many bytes travel; each rank's gradients and their sum are rounded to 8 significant bits, and the sum is \
                    computed in 32 bits. Not with `algorithm: library` or `deterministic`
                    """)
            if gradients == .bfloat16 && algorithm == .library {
                section.report(
                    "gradients",
                    "is bfloat16, but algorithm is library: the MPI library sums 32-bit numbers only; set algorithm to auto or ring")
            }
            logicalRanks = section.integer(
                "logicalRanks", default: 12, 1...1024,
                about: """
                    with `deterministic: true`, the number of ranks whose results the run has. The number of ranks must divide it
                    """)
            timeoutSeconds = section.number(
                "timeoutSeconds", default: 600, .notNegative,
                about: """
                    the job ends if a rank that others wait for makes no progress for longer; 0: no limit
                    """)
            saveTimeoutSeconds = section.number(
                "saveTimeoutSeconds", default: 3600, .notNegative,
                about: """
                    the same for a rank that saves a checkpoint; each file of a checkpoint is progress; 0: no limit
                    """)
            replicaCheckSteps = section.integer(
                "replicaCheckSteps", default: 200, 0...Int.max,
                about: """
                    steps between comparisons of the checksums of all replicas; 0: none. They are also compared before each checkpoint
                    """)
            balance = section.choice(
                "balance", default: WorkBalance.none,
                about: """
                    `flops`: in fine-tuning, images move between the ranks until all have about the same multiply-adds. Results are the \
                    same up to rounding with `batchNorm.mode: global`. With `local`, a batch norm normalises with the sub-batch that its \
                    rank computes, and moved images are part of it. No effect on one rank, in warm-up, with `policy.estimator` `dense` and \
                    `regression`, and with `stages.fineTune.freeze: classifier`: each image then runs at all resolutions, or forward only \
                    ([performance.md](performance.md))
                    """)
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("algorithm", .scalar(algorithm.rawValue)), ("bucketMegabytes", .value(bucketMegabytes)),
                ("gradients", .scalar(gradients.rawValue)), ("logicalRanks", .value(logicalRanks)),
                ("timeoutSeconds", .value(timeoutSeconds)), ("saveTimeoutSeconds", .value(saveTimeoutSeconds)),
                ("replicaCheckSteps", .value(replicaCheckSteps)), ("balance", .scalar(balance.rawValue)),
            ])
        }
    }

    /// What ends a run whose loss or gradients are not usable.
    public struct DivergenceOptions: Equatable, Sendable {
        /// Steps in a row that are skipped because loss or gradient is not finite. One more ends the run.
        public var skippedSteps: Int
        /// f: a loss above f · max(ln K, mean loss so far) counts as exploded, for K classes; 0: no loss does.
        public var lossFactor: Double
        /// Steps in a row with an exploded loss that end the run.
        public var explodedSteps: Int

        init(_ section: ConfigurationSection) {
            skippedSteps = section.integer(
                "skippedSteps", default: 3, 0...10_000,
                about: """
                    steps in a row that are skipped because the loss or a gradient is not finite; one more ends the run, see below
                    """)
            lossFactor = section.number(
                "lossFactor", default: 10, .notNegative,
                about: """
                    f: a cross entropy above f · max(ln K, its running mean) counts as exploded, for K classes; 0: none does
                    """)
            explodedSteps = section.integer(
                "explodedSteps", default: 20, 1...1_000_000, about: "steps in a row with an exploded loss that end the run")
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("skippedSteps", .value(skippedSteps)), ("lossFactor", .value(lossFactor)), ("explodedSteps", .value(explodedSteps)),
            ])
        }
    }

    /// Records in metrics.jsonl, and in event files for TensorBoard.
    public struct MetricsOptions: Equatable, Sendable {
        /// Steps between records of single steps.
        public var everySteps: Int
        /// Whether rank 0 writes event files.
        public var tensorBoard: Bool

        init(_ section: ConfigurationSection) {
            everySteps = section.integer("everySteps", default: 10, 1...Int.max, about: "steps between `step` records")
            tensorBoard = section.boolean(
                "tensorBoard", default: false,
                about: """
                    rank 0 also writes event files for TensorBoard into the run folder ([metrics.md](metrics.md#tensorboard))
                    """)
            section.finish()
        }

        var text: ConfigurationText { .section([("everySteps", .value(everySteps)), ("tensorBoard", .value(tensorBoard))]) }
    }
}
