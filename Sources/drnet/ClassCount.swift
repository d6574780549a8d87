import ArgumentParser
import Communication
import Console
import ImageData

/// The number of classes of a network that was not trained yet.
enum ClassCount {
    /// The sizes of layers do not overflow up to this number.
    private static let largest = 1_000_000
    private static let usual = 1000

    /// Checks the option --classes.
    static func validate(_ classes: Int?) throws {
        if let classes, !(1...largest).contains(classes) {
            throw ValidationError("--classes is \(classes); it must be 1 to \(largest)")
        }
    }

    /// The number of classes of an image folder, or a usual one if the folder cannot be used.
    static func find(_ folder: String) throws -> Int {
        do {
            return try ImageDataset(path: folder).classes.count
        } catch ImageFolderError.missing {
            try Console.result("\(folder) does not exist: using \(usual) classes")
        } catch {
            Console.warning("\(ErrorText.describe(error)); using \(usual) classes")
        }
        return usual
    }
}
