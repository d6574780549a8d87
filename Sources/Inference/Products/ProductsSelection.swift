import Configuration
import Foundation
import Interchange
import Kernels

/// The implementation of matrix products that a program computes with, and the reason. `kernels.json` of a run folder holds the one that
/// the run began with.
public struct ProductsSelection: Codable, Equatable, Sendable {
    public var products: ProductsKind
    /// The precision of the operands; nil for 32 bits, which is what earlier builds recorded.
    public var precision: Precision?
    /// The processor that it was selected on.
    public var processor: String
    public var reason: String

    public init(_ products: ProductsKind, processor: String = ProcessorName.current, reason: String) {
        self.products = products
        self.processor = processor
        self.reason = reason
    }

    /// One line: "products: tiles (164 GFLOP/s; openblas 131 GFLOP/s; measured on AMD EPYC)".
    public var summary: String { "products: \(name) (\(reason))" }

    private var name: String { products.rawValue + (precision.map { " in \($0.rawValue)" } ?? "") }

    /// Selects an implementation. The same arguments and the same cache give the same selection.
    ///
    /// - Parameters:
    ///   - option: `kernels.products`.
    ///   - precision: of the operands. Only tiles compute in bfloat16.
    ///   - recorded: the selection that the run began with; `auto` keeps it. Nil for a new run.
    ///   - cache: has the result of an earlier measurement on this kind of processor, and keeps that of `measure`.
    ///   - measure: finds the faster implementation. It runs only if `option` is `auto`, nothing is recorded and the cache has no result.
    public static func select(
        _ option: TrainingConfiguration.Products, precision: Precision = .float32, recorded: ProductsSelection?, cache: ProductsCache,
        measure: () -> ProductsChoice
    ) -> ProductsSelection {
        if precision == .bfloat16 {
            if let recorded, recorded.precision == precision { return recorded }
            var selection = ProductsSelection(.tiles, reason: "kernels.precision")
            selection.precision = precision
            return selection.after(recorded)
        }
        switch option {
        case .openblas: return ProductsSelection(.openblas, reason: "kernels.products").after(recorded)
        case .tiles: return ProductsSelection(.tiles, reason: "kernels.products").after(recorded)
        case .auto: break
        }
        if let recorded {
            var kept = recorded
            kept.precision = nil
            return kept.after(recorded)
        }
        if let cached = cache.choice() { return ProductsSelection(cached, "measured earlier") }
        let choice = measure()
        cache.store(choice)
        return ProductsSelection(choice, String(format: "measured in %.1f s", choice.seconds))
    }

    /// Adds to the reason that a run changes here.
    private func after(_ recorded: ProductsSelection?) -> ProductsSelection {
        guard let recorded, recorded.name != name else { return self }
        var selection = self
        let change = recorded.precision == precision ? "the last bits of its results change" : "its results have another precision"
        selection.reason += "; the run began with \(recorded.name), so \(change) from here on"
        return selection
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
