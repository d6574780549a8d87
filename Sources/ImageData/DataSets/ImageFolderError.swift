/// A reason why a folder cannot be used as an image folder.
public enum ImageFolderError: Error, Equatable, CustomStringConvertible {
    /// The folder does not exist.
    case missing(path: String)
    /// The folder of a test set does not exist.
    case missingTestSet(path: String)
    /// The folder, or a folder inside of it, cannot be listed.
    case unreadable(path: String, reason: String)
    /// The folder for training or for validation does not exist.
    case noSplit(path: String, names: String)
    /// The training folder has no class folders.
    case noClasses(path: String)
    /// No class folder of a split has an image. `skipped` says what was skipped in them.
    case noImages(path: String, skipped: String? = nil)
    /// Some classes have no training images.
    case emptyClasses(path: String, names: [String])
    /// The names of two class folders are the same text.
    case ambiguousClasses(path: String, name: String)
    /// Training and validation have different class folders.
    case differentClasses(path: String, onlyTraining: [String], onlyValidation: [String])
    /// A test set has class folders that the run does not have, or none at all.
    case unknownClasses(path: String, unknown: [String], known: [String])
    /// A class has fewer training images than there are folds.
    case tooFewForFolds(path: String, name: String, images: Int, folds: Int)

    public var description: String {
        switch self {
        case .missing(let path):
            return "\(path): there is no such folder; set data.folder to \(Self.layout)"
        case .missingTestSet(let path):
            return "\(path): there is no such folder; \(Self.testSetLayout)"
        case .unreadable(let path, let reason):
            return "\(path): cannot be listed (\(reason)); check the file system and the rights of this user"
        case .noSplit(let path, let names):
            return "\(path): there is no folder \(names) in it; \(Self.layout)"
        case .noClasses(let path):
            return "\(path): there are no class folders in it; \(Self.layout)"
        case .noImages(let path, let skipped):
            let text = "\(path): its class folders hold no .jpg, .jpeg, .jpe, .jfif, .png or .webp file"
            return skipped.map { "\(text) (skipped: \($0))" } ?? text
        case .emptyClasses(let path, let names):
            return "\(path): \(names.count) \(names.count == 1 ? "class has" : "classes have") no training images: \(List.text(names)); "
                + "add images, or remove the class folders from both splits"
        case .ambiguousClasses(let path, let name):
            return "\(path): two class folders are both shown as \(name), because one name is not UTF-8; rename one of them"
        case .differentClasses(let path, let onlyTraining, let onlyValidation):
            let parts = [("only in train: ", onlyTraining), ("only in validation: ", onlyValidation)]
                .filter { !$0.1.isEmpty }.map { $0.0 + List.text($0.1) }
            return
                "\(path): training and validation have different classes (\(parts.joined(separator: "; "))); make the class folders equal"
        case .unknownClasses(let path, let unknown, let known):
            let found = unknown.isEmpty ? "there are no class folders in it" : "the run does not know the classes \(List.text(unknown))"
            return "\(path): \(found); the run's classes are \(List.text(known)); \(Self.testSetLayout)"
        case .tooFewForFolds(let path, let name, let images, let folds):
            return
                "\(path): \(images) training \(images == 1 ? "image" : "images") of class \(name) cannot be divided into \(folds) folds; "
                + "use fewer folds in data.fold"
        }
    }

    private static let layout = "an image folder holds train/CLASS/*.jpg and val/CLASS/*.jpg (or validation/)"
    private static let testSetLayout = "a test set holds val/CLASS/*.jpg, validation/CLASS/*.jpg or CLASS/*.jpg"
}
