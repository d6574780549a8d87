import Configuration
import DynamicResolution
import Foundation
import Interchange
import NeuralNetwork

/// The teacher that a configuration names, with a checksum of its file.
package struct ConfiguredTeacher: Sendable {
    package let teacher: Teacher
    /// The file that was loaded.
    package let path: String
    /// A checksum of all bytes of the file, after `RunIdentity.checksumPrefix`.
    package let checksum: String

    private static let key = "distillation.teacher"

    /// Loads the teacher. The file is found as for `classifier.pretrained`.
    ///
    /// - Parameters:
    ///   - configuration: names a teacher.
    ///   - classes: of the run, in the order of their labels.
    ///   - note: receives sentences about the file, for a person.
    /// - Throws: `TeacherError`, `PretrainedSourceError`, `NetworkFileError`, `InterchangeError` or `ForeignFileError` if the file is not a
    ///   teacher of these classes or cannot be read.
    package init(_ configuration: TrainingConfiguration, classes: [String], note: (String) -> Void) throws {
        let options = configuration.distillation
        guard let named = options.teacher else { preconditionFailure("the configuration names no teacher") }
        let (source, part) = PretrainedSource.split(named)
        path = try PretrainedSource.file(source, CheckpointFiles.classifier, key: Self.key, note: note)
        let data = try DurableFile.read(path)
        checksum = RunIdentity.checksumPrefix + String(data.withUnsafeBytes { CRC32($0) }.value, radix: 16)
        let file = try TensorFiles.open(data, path: path)
        let origin = RunOrigin(ofFile: path)
        if let origin, origin.classes != classes { throw TeacherError.classes(path: path, found: origin.classes, expected: classes) }

        let fit = try NetworkHint.classifier(file, path: path, architecture: options.architecture, width: options.width)
        // Without a fit, loading fails and lists all differences.
        guard let backbone = fit?.backbone ?? options.architecture else {
            throw TeacherError.unknownNetwork(path: path, hint: try NetworkHint.text(file, path: path, key: Self.key))
        }
        let width = fit?.width ?? options.width ?? 1
        let copies = fit?.copies ?? 1
        let network = backbone.architecture(.init(width: width)).makeNetwork(
            outputs: classes.count, resolutionCount: copies > 1 ? copies : nil, batchNormEpsilon: configuration.batchNorm.epsilon)
        let result = try NetworkFile.loadPretrained(file, path: path, into: network, key: Self.key, part: part)
        guard result.hasLastLayer else { throw TeacherError.lastLayer(path: path, classes: classes) }
        result.notes.forEach(note)

        var index = 0
        if copies > 1 {
            let own = configuration.resolutions.count == copies ? configuration.resolutions : nil
            guard let resolutions = origin?.resolutions ?? own, resolutions.count == copies else {
                throw TeacherError.unknownResolutions(path: path, copies: copies)
            }
            index = resolutions.indices.min { abs(resolutions[$0] - options.resolution) < abs(resolutions[$1] - options.resolution) } ?? 0
        }
        teacher = Teacher(
            network, resolutionIndex: index, inputSize: options.resolution, imageSize: configuration.resolutions[0])
        note(
            "\(Self.key): \(path) is a \(backbone.rawValue) of width \(Figures.threeDigits(width)); it sees images of "
                + "\(options.resolution) pixels")
    }
}

/// What the run knows that wrote a file of weights.
private struct RunOrigin {
    var resolutions: [Int]
    var classes: [String]

    /// Nil if the file is not in a checkpoint.
    init?(ofFile path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard let checkpoint = try? Checkpoint(folder: folder), let state = try? checkpoint.decodeState(TrainedState.self) else {
            return nil
        }
        (resolutions, classes) = (state.identity.resolutions, state.identity.classes)
    }
}

/// A file that cannot be the teacher of a run.
package enum TeacherError: Error, Equatable, CustomStringConvertible {
    /// No network of this project has the file's tensors.
    case unknownNetwork(path: String, hint: String)
    /// The file has no last layer, or one for another number of classes.
    case lastLayer(path: String, classes: [String])
    /// The teacher's run had other classes, or another order of them.
    case classes(path: String, found: [String], expected: [String])
    /// The file has batch norms for several resolutions, and nothing says which.
    case unknownResolutions(path: String, copies: Int)

    package var description: String {
        let remedy =
            "A teacher must know the run's classes in the same order: train it on this data first (drnet train, with the file as "
            + "classifier.pretrained), and name its run folder"
        switch self {
        case .unknownNetwork(let path, let hint):
            return "\(path): distillation.teacher: \(hint). With distillation.architecture, the message lists what is different"
        case .lastLayer(let path, let classes):
            return "\(path): distillation.teacher has no last layer for the run's \(classes.count) classes "
                + "(\(Figures.list(classes))). \(remedy)"
        case .classes(let path, let found, let expected):
            return "\(path): distillation.teacher was trained on other classes (\(Figures.difference(found, from: expected))). \(remedy)"
        case .unknownResolutions(let path, let copies):
            return "\(path): distillation.teacher has batch norms for \(copies) resolutions, and the file does not say which: name the "
                + "folder of its run or its checkpoint"
        }
    }
}
