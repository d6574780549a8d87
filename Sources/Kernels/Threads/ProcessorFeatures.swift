import Foundation

/// What the kernels need of the processor. The package is compiled for AVX2 and FMA on x86-64, and for the baseline on arm64.
public enum ProcessorFeatures {
    /// The required features that this processor lacks; empty where all are there or none is needed.
    public static func missing() -> [String] {
        #if arch(x86_64) && os(Linux)
            guard let description = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return [] }
            return missing(in: description)
        #else
            return []
        #endif
    }

    /// The required features that the first `flags` line of a /proc/cpuinfo text does not list.
    static func missing(in description: String) -> [String] {
        let required = ["avx2", "fma"]
        guard let line = description.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else { return [] }
        let flags = Set(line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init))
        return required.filter { !flags.contains($0) }
    }
}
