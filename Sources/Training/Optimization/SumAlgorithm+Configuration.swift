import Communication
import Configuration

extension SumAlgorithm {
    /// The algorithm that a configuration names.
    init(_ sums: TrainingConfiguration.GradientSums) {
        switch sums {
        case .auto: self = .hosts
        case .ring: self = .ring
        case .library: self = .library
        }
    }
}

extension TransferFormat {
    /// The format that a configuration names.
    init(_ format: TrainingConfiguration.GradientFormat) {
        switch format {
        case .float32: self = .float32
        case .bfloat16: self = .bfloat16
        }
    }
}

extension Communicator {
    /// Prepares the sums of gradients. Collective.
    ///
    /// - Parameters:
    ///   - options: algorithm and format.
    ///   - note: shows a sentence.
    func prepareSums(_ options: TrainingConfiguration.CommunicationOptions, note: (String) -> Void) throws {
        try prepareSums(SumAlgorithm(options.algorithm), format: TransferFormat(options.gradients))
        if options.gradients == .bfloat16 && rankCount > 1 && !sumsInBackground {
            note(
                "warning: communication.gradients is bfloat16, but the gradients travel in 32 bits: the MPI library of a rank does not "
                    + "support calls of several threads (MPI_THREAD_MULTIPLE)")
        }
    }
}
