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
            everySteps = section.integer("everySteps", default: 0, 0...Int.max)
            everyMinutes = section.number("everyMinutes", default: 10, .notNegative)
            keep = section.integer("keep", default: 3, 1...10_000)
            background = section.boolean("background", default: true)
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
            everyEpochs = section.integer("everyEpochs", default: 1, 1...100_000)
            batchSize = section.integer("batchSize", default: 64, 1...100_000)
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

    public struct KernelOptions: Equatable, Sendable {
        /// Whether 3×3 convolutions may use Winograd's transforms: faster, with rounding errors a few times as large.
        public var winograd: Bool
        public var products: Products

        init(_ section: ConfigurationSection) {
            winograd = section.boolean("winograd", default: true)
            products = section.choice("products", default: .auto)
            section.finish()
        }

        var text: ConfigurationText { .section([("winograd", .value(winograd)), ("products", .scalar(products.rawValue))]) }
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
            algorithm = section.choice("algorithm", default: .auto)
            bucketMegabytes = section.number("bucketMegabytes", default: 2, .between(0.01, 1000))
            gradients = section.choice("gradients", default: .float32)
            if gradients == .bfloat16 && algorithm == .library {
                section.report(
                    "gradients",
                    "is bfloat16, but algorithm is library: the MPI library sums 32-bit numbers only; set algorithm to auto or ring")
            }
            logicalRanks = section.integer("logicalRanks", default: 12, 1...1024)
            timeoutSeconds = section.number("timeoutSeconds", default: 600, .notNegative)
            saveTimeoutSeconds = section.number("saveTimeoutSeconds", default: 3600, .notNegative)
            replicaCheckSteps = section.integer("replicaCheckSteps", default: 200, 0...Int.max)
            balance = section.choice("balance", default: WorkBalance.none)
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
            skippedSteps = section.integer("skippedSteps", default: 3, 0...10_000)
            lossFactor = section.number("lossFactor", default: 10, .notNegative)
            explodedSteps = section.integer("explodedSteps", default: 20, 1...1_000_000)
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
            everySteps = section.integer("everySteps", default: 10, 1...Int.max)
            tensorBoard = section.boolean("tensorBoard", default: false)
            section.finish()
        }

        var text: ConfigurationText { .section([("everySteps", .value(everySteps)), ("tensorBoard", .value(tensorBoard))]) }
    }
}
