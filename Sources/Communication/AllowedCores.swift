import Foundation

/// The cores that the scheduler lets this process run on.
package enum AllowedCores {
    /// Reads the cores from /proc/self/status on Linux. On other systems, returns all active cores.
    package static func current() -> [Int] {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        let cores = line.map { parse(String($0.dropFirst("Cpus_allowed_list:".count))) } ?? []
        return cores.isEmpty ? Array(0..<ProcessInfo.processInfo.activeProcessorCount) : cores
    }

    /// Parses Linux's list format: "0-2,5" → 0, 1, 2, 5.
    static func parse(_ list: String) -> [Int] {
        list.split(separator: ",").flatMap { range -> [Int] in
            let ends = range.split(separator: "-").compactMap { Int($0.filter(\.isNumber)) }
            guard let first = ends.first, let last = ends.last, first <= last else { return [] }
            return Array(first...last)
        }
    }
}
