import Foundation
import Interchange
import Kernels

/// Keeps the result of `ProductsMeasurement` between programs, one for each kind of processor: $XDG_CACHE_HOME/drnet/products.json, or
/// ~/.cache/drnet/products.json. A cache that cannot be read or written is no error: the next program measures again.
public struct ProductsCache: Sendable {
    private let path: String
    /// What the result depends on. The number of threads is not part of it, so that results do not depend on that number.
    private let key: String

    /// - Parameters:
    ///   - folder: holds the file; created when needed.
    ///   - processor: the processor's name.
    ///   - instructions: of the tiles.
    public init(
        folder: String = Self.defaultFolder(), processor: String = ProcessorName.current, instructions: InstructionSet = .compiled
    ) {
        path = folder + "/products.json"
        key = "\(processor); \(OpenBLASMultiplier.libraryDescription); \(instructions.title)"
    }

    func choice() -> ProductsChoice? { all()[key] }

    func store(_ choice: ProductsChoice) {
        var all = all()
        all[key] = choice
        try? DurableFile.createFolder(DurableFile.parent(of: path))
        try? JSON.write(all, to: path)
    }

    private func all() -> [String: ProductsChoice] {
        (try? JSON.read([String: ProductsChoice].self, from: path)) ?? [:]
    }

    public static func defaultFolder(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/drnet" }
        return (environment["HOME"] ?? NSHomeDirectory()) + "/.cache/drnet"
    }
}
