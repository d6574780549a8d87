import Foundation

/// The processor's name as the operating system reports it.
public enum ProcessorName {
    /// For example "AMD EPYC 9R14". The name of the architecture if the system does not report a model.
    public static let current: String = {
        let description = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return name(in: description) ?? architecture
    }()

    /// Returns the first "model name" in the text of /proc/cpuinfo (x86-64).
    static func name(in description: String) -> String? {
        let line = description.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static var architecture: String {
        #if arch(x86_64)
            return "x86-64 processor"
        #elseif arch(arm64)
            return "arm64 processor"
        #else
            return "unknown processor"
        #endif
    }
}
