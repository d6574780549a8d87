import Foundation

/// Finds the tensors in the containers of a pickle, and names each by the path to it.
struct PickledTensors {
    private var tensors: [String: PyTorchTensor] = [:]
    private let values: [PickleValue]
    private var nameBytes = 0
    private var visits = 0
    private var examined = 0

    /// Limits of containers. A few hundred bytes of a pickle can describe a tree without an end, because values can be used again.
    private static let (maximumDepth, maximumVisits, maximumNameBytes) = (32, 100_000, 16 << 20)
    /// Items of all visited containers, also those without tensors, such as a list of losses.
    private static let maximumExamined = 5_000_000

    /// Reads a pickle.
    ///
    /// - Parameter pickle: the first index is 0.
    /// - Throws: `PickleProblem`.
    static func read(_ pickle: Data) throws -> [String: PyTorchTensor] {
        var unpickler = Unpickler(pickle)
        let root = try unpickler.load()
        var found = PickledTensors(values: unpickler.values)
        try found.visit(root, name: "", depth: 0)
        guard !found.tensors.isEmpty else { throw PickleProblem.malformed("it has no tensors") }
        return found.tensors
    }

    private init(values: [PickleValue]) {
        self.values = values
    }

    private mutating func visit(_ index: Int, name: String, depth: Int) throws {
        visits += 1
        guard visits <= Self.maximumVisits else {
            throw PickleProblem.malformed("its containers have more than \(Self.maximumVisits) items")
        }
        switch values[index] {
        case .tensor(let tensor): try add(tensor, name: name.isEmpty ? "tensor" : name)
        case .dictionary(let dictionary):
            try examine(dictionary.items.count)
            // The last of equal keys counts.
            var items: [String: Int] = [:]
            for item in dictionary.items {
                if let key = key(item.key) { items[key] = item.value }
            }
            try visit(items.map { ($0.key, $0.value) }, name, depth)
        case .list(let items), .tuple(let items):
            try examine(items.count)
            try visit(items.enumerated().map { ("\($0.offset)", $0.element) }, name, depth)
        default: break
        }
    }

    private mutating func examine(_ count: Int) throws {
        examined += count
        guard examined <= Self.maximumExamined else {
            throw PickleProblem.malformed("its containers have more than \(Self.maximumExamined) items")
        }
    }

    private mutating func visit(_ items: [(key: String, value: Int)], _ name: String, _ depth: Int) throws {
        guard depth < Self.maximumDepth else {
            throw PickleProblem.malformed("its containers are nested more than \(Self.maximumDepth) times, or contain themselves")
        }
        for (key, value) in items where isOfInterest(value) {
            nameBytes += name.utf8.count + key.utf8.count + 1
            guard nameBytes <= Self.maximumNameBytes else { throw PickleProblem.malformed("its names are longer than 16 MiB") }
            try visit(value, name: name.isEmpty ? key : "\(name).\(key)", depth: depth + 1)
        }
    }

    private func isOfInterest(_ index: Int) -> Bool {
        switch values[index] {
        case .tensor, .dictionary, .list, .tuple: return true
        default: return false
        }
    }

    /// Texts and numbers are keys of tensors; others have no name.
    private func key(_ index: Int) -> String? {
        switch values[index] {
        case .text(let text): return text
        case .integer(let number): return "\(number)"
        default: return nil
        }
    }

    private mutating func add(_ tensor: PyTorchTensor, name: String) throws {
        // Tensors that show an element several times can be larger than any file. The unpickler has checked that the product is a number.
        guard tensor.shape.reduce(1, *) <= tensor.storage.count else {
            throw PickleProblem.malformed(
                "the tensor \(name) of the shape \(tensor.shape) repeats its \(tensor.storage.count) stored elements. Save it with "
                    + ".clone()")
        }
        guard tensors.updateValue(tensor, forKey: name) == nil else { throw PickleProblem.malformed("it has the tensor \(name) twice") }
    }
}
