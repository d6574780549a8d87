import Foundation

/// A file, or several files, with named tensors.
public protocol TensorFile {
    /// The names of all tensors, sorted.
    var names: [String] { get }

    /// Returns the shape of a tensor.
    ///
    /// - Throws: `InterchangeError.noTensor` if there is no tensor of that name.
    func shape(of name: String) throws -> [Int]

    /// Returns the elements of a tensor, row-major, converted to single precision.
    ///
    /// - Throws: `InterchangeError` if there is no tensor of that name, or if its elements cannot be read as numbers.
    func floats(of name: String) throws -> [Float]
}

/// Opens files of weights by their contents, whatever their names are.
public enum TensorFiles {
    /// The name of the index of a model in several safetensors files.
    package static let indexName = ShardIndex.usualName

    /// Opens a safetensors file, a PyTorch checkpoint, or the index of a model in several safetensors files.
    ///
    /// - Parameter path: of the file.
    /// - Throws: `InterchangeError` or `PyTorchFileError`, which name the file and, if possible, the tensor; `ForeignFileError` if the file
    ///   is of another kind.
    public static func open(_ path: String) throws -> any TensorFile {
        try open(try DurableFile.read(path), path: path)
    }

    /// Opens a file from its bytes; see the other method of this name.
    ///
    /// - Parameters:
    ///   - data: all bytes of the file. The first index is 0.
    ///   - path: the file's name, for messages and for the folder of an index.
    package static func open(_ data: Data, path: String) throws -> any TensorFile {
        if data.starts(with: ZipArchive.signature) { return try PyTorchFile(data, path: path) }
        if ShardIndex.isIndex(data) { return try ShardedSafetensors(ShardIndex(data, path: path)) }
        return try SafetensorsFile(data, path: path)
    }
}
