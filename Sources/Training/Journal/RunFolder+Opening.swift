import Configuration
import Foundation
import Inference
import Interchange

extension RunFolder {
    /// Creates the folder. On rank 0.
    ///
    /// - Parameter resume: whether the folder can hold a run already.
    /// - Throws: `RunFolderError` if it holds a run and `resume` is false.
    public func open(resume: Bool) throws {
        let manager = FileManager.default
        if !resume, manager.fileExists(atPath: checkpoints) || manager.fileExists(atPath: metrics) {
            throw RunFolderError(path: path)
        }
        try DurableFile.createFolder(path)
    }

    /// Writes the configuration, and adds this start to environment.json. It changes the files of a resumed run, so call it after all
    /// checks have passed. On rank 0.
    ///
    /// - Parameters:
    ///   - configuration: the resolved configuration.
    ///   - cores: the map of ranks and cores, one line a host.
    ///   - products: the implementation of matrix products; a later start keeps the record of an earlier one.
    ///   - version: of the command.
    public func record(_ configuration: TrainingConfiguration, cores: [String], products: ProductsSelection, version: String) throws {
        try DurableFile.write(Data(configuration.yaml().utf8), to: self.configuration)
        if try recordedProducts() != products { try JSON.write(products, to: kernels) }
        let earlier = (try? JSON.read([RunEnvironment].self, from: environment)) ?? []
        let starts = earlier + [RunEnvironment(drnet: version, ranks: cores)]
        try JSON.write(starts, to: environment)
    }
}

/// A new run would overwrite another one.
struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, or choose another folder with --run-folder"
    }
}
