import Interchange
import NeuralNetwork

/// Finds a network's tensors among the names of a file. Training scripts wrap networks, so the names often have prefixes: `module.`,
/// `model.backbone.`, `_orig_mod.`. No list can have all of them; the prefix with which most of the network's names are in the file is
/// taken. If a file has the network and an average of its weights, the average is taken, as timm does: it is the more accurate one.
struct PretrainedNames {
    /// What the names have in front, without wrappers; empty or ending with a dot.
    let prefix: String
    /// The names in the file of each plain name, by the index of the resolution; nil is the index of a plain name.
    let stored: [String: [Int?: String]]
    /// All names of the file, by their names without wrappers.
    let unwrapped: [String: String]
    /// A note on the prefix; nil if there is none.
    let note: String?

    /// Parts of names that PyTorch's wrappers insert, in front and between (DataParallel, compile, FSDP, activation checkpoints). No
    /// network of this project has such a part.
    private static let wrappers: Set<String> = ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]
    /// Parts of prefixes of averaged copies of the weights.
    private static let averages = ["ema", "swa", "average", "averaged"]

    private typealias Match = [String: [Int?: String]]

    /// - Parameters:
    ///   - names: of the file.
    ///   - needed: the network's tensors.
    ///   - path: of the file, for messages.
    ///   - key: the configuration's key that names the file, for messages.
    ///   - part: the prefix that is to be taken, without its last dot; empty: names without a prefix. Nil: the best one.
    /// - Throws: `NetworkFileError.ambiguous`, `.clash` or `.noPart`.
    init(_ names: [String], for needed: NetworkTensors, path: String, key: String, part: String? = nil) throws {
        var matches: [String: Match] = [:]
        var clashes: [String: [String]] = [:]
        var unwrapped: [String: String] = [:]
        for name in names.sorted() {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false).filter { !Self.wrappers.contains(String($0)) }
            let short = parts.joined(separator: ".")
            if unwrapped[short] == nil { unwrapped[short] = name }
            // No name of a network has more parts than this.
            for start in max(0, parts.count - 10)..<parts.count {
                guard let (plainName, copy) = Self.plainName(parts[start...], needed) else { continue }
                let prefix = parts[..<start].map { $0 + "." }.joined()
                if let other = matches[prefix]?[plainName]?[copy] {
                    if clashes[prefix] == nil { clashes[prefix] = [other, name] }
                } else {
                    matches[prefix, default: [:]][plainName, default: [:]][copy] = name
                }
            }
        }
        if let part { matches = try Self.restrict(matches, to: part, path: path, key: key) }
        let (prefix, remark) = try Self.choose(matches, needed, path: path, key: key)
        if let names = clashes[prefix] { throw NetworkFileError.clash(path: path, key: key, names: names) }
        self.prefix = prefix
        self.unwrapped = unwrapped
        stored = matches[prefix] ?? [:]
        note = Self.note(stored, remark, path: path)
    }

    /// Tensors of the network's own modules that the network does not have: a ResNet-34 has all tensors of a ResNet-18.
    func namesOfAnotherNetwork(_ needed: NetworkTensors) -> [String] {
        let used = Set(stored.values.flatMap(\.values))
        // A last layer can be in a module with others, as `classifier.3` of MobileNetV3. It is looked for elsewhere.
        let lastLayer = Set(needed.tensors.filter(\.parameter.isOfLastLayer).map(\.plainName))
        return unwrapped.filter { short, name in
            guard short.hasPrefix(prefix), !used.contains(name), !short.hasSuffix("num_batches_tracked") else { return false }
            let own = short.dropFirst(prefix.count)
            return needed.modules.contains(String(own.prefix { $0 != "." })) && !lastLayer.contains(String(own))
        }.values.sorted()
    }

    /// The plain name that a part of a file's name is, with the index of the resolution.
    private static func plainName(_ parts: ArraySlice<Substring>, _ needed: NetworkTensors) -> (String, Int?)? {
        let name = parts.joined(separator: ".")
        if needed.names.contains(name) { return (name, nil) }
        guard parts.count >= 3, let copy = Int(parts[parts.endIndex - 2]), (0..<1000).contains(copy) else { return nil }
        let plain = (parts.dropLast(2) + parts.suffix(1)).joined(separator: ".")
        return needed.batchNormNames.contains(plain) ? (plain, copy) : nil
    }

    /// The prefixes that a person's choice of a part of the file leaves.
    private static func restrict(_ matches: [String: Match], to part: String, path: String, key: String) throws -> [String: Match] {
        let short = part.split(separator: ".").filter { !wrappers.contains(String($0)) }.map { $0 + "." }.joined()
        let found = matches.filter { short.isEmpty ? $0.key.isEmpty : $0.key.hasPrefix(short) }
        guard found.isEmpty else { return found }
        let most = matches.values.map(\.count).max() ?? 0
        let prefixes = matches.filter { 2 * $0.value.count > most }.map { String($0.key.dropLast()) }.sorted()
        throw NetworkFileError.noPart(path: path, key: key, part: part, parts: prefixes)
    }

    /// Returns the prefix with most of the names. Of several that have them all, an average is taken, or one without a prefix.
    private static func choose(
        _ matches: [String: Match], _ needed: NetworkTensors, path: String, key: String
    ) throws -> (prefix: String, remark: String?) {
        let most = matches.values.map(\.count).max() ?? 0
        let best = matches.filter { $0.value.count == most }.map(\.key).sorted { ($0.count, $0) < ($1.count, $1) }
        guard best.count > 1, most == needed.names.count else { return (best.first ?? "", nil) }
        let averaged = best.filter { prefix in
            prefix.lowercased().split { ".-_".contains($0) }.contains { averages.contains(String($0)) }
        }
        let candidates = averaged.isEmpty ? best : averaged
        guard candidates.count == 1 || candidates[0].isEmpty else {
            throw NetworkFileError.ambiguous(path: path, key: key, prefixes: candidates.map { String($0.dropLast()) })
        }
        func named(_ prefix: String) -> String { prefix.isEmpty ? "the one without a prefix" : "'\(prefix)'" }
        let others = best.filter { $0 != candidates[0] }
        let reason = averaged.isEmpty ? "" : ", an average of the weights,"
        return (
            candidates[0],
            "the file has several networks: \(named(candidates[0]))\(reason) is used, \(Figures.list(others.map(named))) is not; "
                + "\(key): \(path)#\(others[0].dropLast()) takes the other"
        )
    }

    private static func note(_ stored: Match, _ remark: String?, path: String) -> String? {
        // The network's own name is the end of each name in the file, unless there are wrappers between its parts.
        var prefixes: [String: Int] = [:]
        for (plainName, copies) in stored {
            for (copy, name) in copies {
                let (layer, last) = plainName.splitAtLastDot
                let own = copy.map { "\(layer).\($0).\(last)" } ?? plainName
                prefixes[name.hasSuffix(own) ? String(name.dropLast(own.count)) : "", default: 0] += 1
            }
        }
        let removed = prefixes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
        let sentences = [remark, removed.isEmpty ? nil : "the prefix '\(removed)' of its names is left out"].compactMap { $0 }
        return sentences.isEmpty ? nil : "\(path): \(sentences.joined(separator: "; "))"
    }
}
