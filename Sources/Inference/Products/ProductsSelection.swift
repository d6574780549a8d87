import Configuration
import Foundation
import Interchange
import Kernels

/// The implementation of matrix products that a program computes with, and the reason. `kernels.json` of a run folder holds the one that
/// the run began with.
public struct ProductsSelection: Codable, Equatable, Sendable {
    public var products: ProductsKind
    /// The processor that it was selected on.
    public var processor: String
    public var reason: String

    public init(_ products: ProductsKind, processor: String = ProcessorName.current, reason: String) {
        self.products = products
        self.processor = processor
        self.reason = reason
    }

    /// One line: "products: tiles (164 GFLOP/s; openblas 131 GFLOP/s; measured on AMD EPYC)".
    public var summary: String { "products: \(products.rawValue) (\(reason))" }

    /// Selects an implementation. The same arguments and the same cache give the same selection.
    ///
    /// - Parameters:
    ///   - option: `kernels.products`.
    ///   - recorded: the selection that the run began with; `auto` keeps it. Nil for a new run.
    ///   - cache: has the result of an earlier measurement on this kind of processor, and keeps that of `measure`.
    ///   - measure: finds the faster implementation. It runs only if `option` is `auto`, nothing is recorded and the cache has no result.
    public static func select(
        _ option: TrainingConfiguration.Products, recorded: ProductsSelection?, cache: ProductsCache, measure: () -> ProductsChoice
    ) -> ProductsSelection {
        switch option {
        case .openblas: return configured(.openblas, recorded)
        case .tiles: return configured(.tiles, recorded)
        case .auto: break
        }
        if let recorded { return recorded }
        if let cached = cache.choice() { return ProductsSelection(cached, "measured earlier") }
        let choice = measure()
        cache.store(choice)
        return ProductsSelection(choice, String(format: "measured in %.1f s", choice.seconds))
    }

    private static func configured(_ products: ProductsKind, _ recorded: ProductsSelection?) -> ProductsSelection {
        var reason = "kernels.products"
        if let recorded, recorded.products != products {
            reason += "; the run began with \(recorded.products.rawValue), so the last bits of its results change from here on"
        }
        return ProductsSelection(products, reason: reason)
    }

    private init(_ choice: ProductsChoice, _ source: String) {
        self.init(choice.fastest, reason: "\(choice.rates); \(source) on \(ProcessorName.current)")
    }
}

extension RunFolder {
    /// The selection that a run began with; nil if the folder holds no run. Runs of builds that recorded none computed with tiles.
    ///
    /// - Throws: `InterchangeError` if the record cannot be read.
    public func recordedProducts() throws -> ProductsSelection? {
        if try DurableFile.kind(of: kernels) != nil { return try JSON.read(ProductsSelection.self, from: kernels) }
        guard try DurableFile.kind(of: checkpoints) != nil else { return nil }
        return ProductsSelection(.tiles, processor: "", reason: "the run began with a build that had no other")
    }

    /// The same for a program that does not continue the run. On another processor the other implementation can be faster, so nothing is
    /// kept there.
    public func recordedProductsOfThisProcessor() throws -> ProductsSelection? {
        try recordedProducts().flatMap { $0.processor == ProcessorName.current ? $0 : nil }
    }
}
