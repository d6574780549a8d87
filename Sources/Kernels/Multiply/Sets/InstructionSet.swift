import CMicroKernels
import CProcessor

/// The vector instructions that the micro-kernels of `TileMultiplier` use. One program contains all of them. It chooses once, when it
/// starts.
///
/// All sets sum an element of a product along the depth in one order, with one rounding per term. The result has the same bits with each
/// of them (`KernelSet.depthBlock`).
public enum InstructionSet: String, CaseIterable, Comparable, Sendable {
    /// The tiles in Swift, in a build without AVX2, or on an architecture other than x86-64.
    case baseline
    /// The tiles in Swift, in a build with AVX2 and FMA (launch/flags).
    case avx2
    /// The tiles in C for AVX-512F.
    case avx512

    /// The set of the tiles in Swift. Every processor that can run the program has it.
    public static var compiled: InstructionSet {
        #if arch(x86_64)
            return drnet_compiled_with_avx2() != 0 ? .avx2 : .baseline
        #else
            return .baseline
        #endif
    }

    /// The sets that this processor and its operating system support, narrowest vectors first. `compiled` is the first one.
    public static let available: [InstructionSet] = [compiled] + (drnet_processor_has_avx512() != 0 ? [.avx512] : [])

    /// The set of `available` that multiplies fastest. A wider one must be a tenth faster than a narrower one, so that noise does not
    /// choose. This is measured once.
    public static let fastest = available.dropFirst().reduce(compiled) { best, set in
        TileRate.isFaster(KernelSet(set), than: KernelSet(best), by: 1.1) ? set : best
    }

    /// Whether the processor has AVX512-BF16.
    static let hasBFloat16 = available.contains(.avx512) && drnet_processor_has_bfloat16() != 0
    private static let pairsAreFaster = hasBFloat16 && TileRate.isFaster(.avx512Pairs, than: KernelSet(.avx512))

    /// Whether this set multiplies bfloat16 numbers faster than floats: AVX-512F with AVX512-BF16, on a processor where that is fast. This
    /// is measured once.
    public var multipliesBFloat16: Bool { self == .avx512 && Self.pairsAreFaster }

    /// The name in messages, such as "AVX-512".
    public var title: String {
        switch self {
        case .baseline: return "baseline"
        case .avx2: return "AVX2"
        case .avx512: return "AVX-512"
        }
    }

    public static func < (left: InstructionSet, right: InstructionSet) -> Bool {
        allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
    }
}

/// The precision of the operands of matrix products. Sums have 32 bits in any case.
public enum Precision: String, CaseIterable, Codable, Sendable {
    case float32
    /// Operands are rounded to bfloat16, which has 8 significant bits. What a training pass keeps until its backward pass is stored in
    /// 16 bits (`StoredMatrix`), everything else in 32.
    case bfloat16
}
