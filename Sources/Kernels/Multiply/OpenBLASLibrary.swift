import COpenBLAS

/// The OpenBLAS library of this process. It selects its kernels for the processor when it is loaded.
public enum OpenBLASLibrary {
    /// The processor whose kernels it uses, such as "Haswell" or "SkylakeX".
    public static let kernels = String(cString: openblas_get_corename())

    /// The value of OPENBLAS_CORETYPE that gives this processor better kernels; nil if the library chose well.
    public static let betterKernels = betterKernels(than: kernels, InstructionSet.available)

    /// Kernels that use AVX2 or wider vectors.
    private static let wideKernels: Set = ["haswell", "zen", "excavator", "skylakex", "cooperlake", "sapphirerapids"]

    /// A library that is older than the processor falls back to kernels without AVX2: OpenBLAS 0.3.21 uses those for Prescott on an Emerald
    /// Rapids.
    static func betterKernels(than kernels: String, _ available: [InstructionSet]) -> String? {
        guard available.contains(.avx2), !wideKernels.contains(kernels.lowercased()) else { return nil }
        return available.contains(.avx512) ? "SkylakeX" : "Haswell"
    }
}
