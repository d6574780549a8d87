import Foundation
import ImageData

/// Writes the pixels of image files: `image-dump FOLDER < LIST`, with a path in each line of the list. The pixels of the file in line n are
/// in FOLDER/n.ppm; the error of a rejected file is in FOLDER/n.txt. Tests/Fixtures/compare_with_pillow.py runs it.
@main
struct ImageDump {
    static func main() throws {
        let folder = CommandLine.arguments[1]
        var number = 0
        while let path = readLine() {
            do {
                let image = try ImageDecoder.decode(contentsOf: path)
                let header = Data("P6\n\(image.width) \(image.height)\n255\n".utf8)
                try (header + Data(image.pixels)).write(to: URL(fileURLWithPath: "\(folder)/\(number).ppm"))
            } catch {
                try Data("\(error)".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(number).txt"))
            }
            number += 1
        }
    }
}
