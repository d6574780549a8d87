import Foundation

/// The index of a model in several safetensors files, as Hugging Face's libraries write it: JSON with the file of each tensor.
struct ShardIndex {
    /// The name of the file of each tensor.
    private(set) var files: [String: String] = [:]
    fileprivate let path: String

    /// The usual name of such a file.
    static let usualName = "model.safetensors.index.json"
    /// The largest index in bytes.
    private static let maximumSize = 100 << 20

    /// Whether a file is an index: JSON that has a `weight_map`.
    static func isIndex(_ data: Data) -> Bool {
        guard data.count <= maximumSize, let first = data.first(where: { $0 > 0x20 }), first == UInt8(ascii: "{") else { return false }
        return data.range(of: Data("\"weight_map\"".utf8)) != nil
    }

    /// - Parameters:
    ///   - data: of the file.
    ///   - path: of the file. The other files are in the same folder.
    /// - Throws: `InterchangeError.malformed`.
    init(_ data: Data, path: String) throws {
        self.path = path
        func malformed(_ reason: String) -> InterchangeError { .malformed(path: path, reason: reason) }
        guard let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any], let map = json["weight_map"] as? [String: String]
        else { throw malformed("its weight_map is no object of texts") }
        if let name = JSONKeys.firstDuplicate(in: data) { throw malformed("it has the key \(name) twice") }
        for (name, file) in map {
            // A name with a slash could leave the folder.
            guard !file.isEmpty, file != ".", file != "..", !file.contains("/"), !file.utf8.contains(0) else {
                throw malformed("the tensor \(name) is in '\(file)', which is not the name of a file in the same folder")
            }
        }
        files = map
    }
}

/// A model in several safetensors files.
struct ShardedSafetensors: TensorFile {
    private let index: ShardIndex
    /// The files by their names.
    private var shards: [String: SafetensorsFile] = [:]

    /// Opens all files of an index.
    ///
    /// - Throws: `InterchangeError` or `ForeignFileError` if a file is missing, damaged, or without a tensor that the index says it has.
    init(_ index: ShardIndex) throws {
        self.index = index
        let folder = DurableFile.parent(of: index.path)
        let names = Set(index.files.values).sorted()
        let missing = names.filter { ((try? DurableFile.kind(of: "\(folder)/\($0)")) ?? nil) == nil }
        guard missing.isEmpty else {
            throw InterchangeError.malformed(
                path: index.path, reason: "\(missing.count) of its \(names.count) files are missing in \(folder): \(Figures.list(missing))")
        }
        for name in names { shards[name] = try SafetensorsFile(contentsOf: "\(folder)/\(name)") }
        for (file, tensors) in Dictionary(grouping: index.files, by: \.value) {
            let missing = Set(tensors.map(\.key)).subtracting(shards[file]?.names ?? [])
            guard missing.isEmpty else {
                throw InterchangeError.malformed(
                    path: "\(folder)/\(file)", reason: "it lacks tensors of \(index.path): \(Figures.list(missing.sorted()))")
            }
        }
    }

    var names: [String] { index.files.keys.sorted() }
    func shape(of name: String) throws -> [Int] { try shard(name).shape(of: name) }
    func floats(of name: String) throws -> [Float] { try shard(name).floats(of: name) }

    private func shard(_ name: String) throws -> SafetensorsFile {
        guard let file = index.files[name], let shard = shards[file] else {
            throw InterchangeError.noTensor(path: index.path, name: name, names: names)
        }
        return shard
    }
}
