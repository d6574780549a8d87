import Configuration
import Inference
import Foundation
import Interchange

extension RunFolder {
    /// Makes the folder. On rank 0.
    ///
    /// - Parameter resume: without it, a folder that holds a run already is refused.
    public func open(resume: Bool) throws {
        let manager = FileManager.default
        if !resume, manager.fileExists(atPath: checkpoints) || manager.fileExists(atPath: metrics) {
            throw RunFolderError(path: path)
        }
        try DurableFile.createFolder(path)
    }

    /// Keeps what the run is made with; once nothing refuses to go on, since a resumed run's files are changed. On rank 0.
    ///
    /// - Parameters:
    ///   - cores: which ranks run where.
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

struct RunFolderError: Error, CustomStringConvertible {
    var path: String

    var description: String {
        "\(path) holds a run already: continue it with --resume, or name another folder with --run-folder"
    }
}
