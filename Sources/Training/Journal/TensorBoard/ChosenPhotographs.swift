import DynamicResolution
import Evaluation
import Foundation
import ImageData
import TensorBoard

/// A few validation images at each resolution that the decider chose, as small pictures. The size of a picture shows the resolution.
enum ChosenPhotographs {
    /// Pictures of each resolution.
    static let count = 4
    /// The longer side of those at the largest resolution, in pixels.
    private static let largestSide = 128
    private static let quality = 80

    /// The indices of the images to show, by resolution index.
    ///
    /// The images are visited in an order that mixes the classes and is always the same, so that a picture stays while its choice does.
    ///
    /// - Parameters:
    ///   - choices: the resolution index of each image.
    ///   - resolutionCount: the number of resolutions.
    static func selection(choices: [Int], resolutionCount: Int) -> [[Int]] {
        var selected = [[Int]](repeating: [], count: resolutionCount)
        for index in mixedOrder(choices.count) {
            if selected[choices[index]].count < count { selected[choices[index]].append(index) }
            if selected.allSatisfy({ $0.count == count }) { break }
        }
        return selected
    }

    /// All indices, with steps of about 0.618 of their number.
    private static func mixedOrder(_ count: Int) -> [Int] {
        guard count > 1 else { return Array(0..<count) }
        var step = max(1, Int(0.618 * Double(count)))
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        while divisor(count, step) != 1 { step += 1 }
        return (0..<count).map { $0 * step % count }
    }

    /// The pictures. A file that is gone is left out: training reports it when it uses it.
    ///
    /// - Parameters:
    ///   - results: of all validation images.
    ///   - samples: the validation images.
    ///   - resolutions: largest first.
    ///   - group: the part of the tags before the resolution.
    static func pictures(
        _ results: [ImageResult], _ samples: [ImageDataset.Sample], resolutions: [Int], group: String
    ) -> [EventLog.Picture] {
        let selected = selection(choices: results.map(\.choice), resolutionCount: resolutions.count)
        return zip(resolutions, selected).flatMap { resolution, indices in
            indices.enumerated().compactMap { number, index in
                let source = samples[results[index].sample].source
                let side = max(16, largestSide * resolution / resolutions[0])
                guard let image = try? ImageDecoder.decode(source).scaled(toFit: side),
                    let bytes = try? ImageEncoder.jpeg(image, path: source.description, quality: quality)
                else { return nil }
                return EventLog.Picture(
                    tag: "\(group) \(resolution) px/\(number + 1)", width: image.width, height: image.height, bytes: Data(bytes))
            }
        }
    }
}
