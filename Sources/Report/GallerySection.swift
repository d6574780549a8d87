import Foundation
import Interchange

/// Photographs: by chosen resolution, those that only the largest resolution gets right, and the worst mistakes.
struct GallerySection {
    let images: ReportedImages
    /// Photographs of a group.
    let limit: Int

    private struct Group {
        var title: String
        var text: String
        var images: [ReportedImages.Image]
    }

    func html(_ place: Place) -> HTML? {
        guard limit > 0, !images.images.isEmpty else { return nil }
        let content = groups.flatMap { group -> [HTML] in
            [place.heading(group.title), .paragraph(.text(group.text))]
                + (group.images.isEmpty ? [] : [HTML.list(group.images.map(item), style: "gallery")])
        }
        return place.section("Photographs", id: "gallery", [.paragraph("From ", .text(images.source), ".")] + content)
    }

    private var groups: [Group] { (images.isDynamic ? byResolution : []) + (images.hasFixedAnswers ? [onlyLargest] : []) + [mistakes] }

    private var byResolution: [Group] {
        images.resolutions.indices.map { column in
            let chosen = images.images.filter { $0.choice == column }
            let right = chosen.filter(\.isRight).count
            let share = Figures.percent(Double(chosen.count) / Double(images.images.count))
            let accuracy =
                chosen.isEmpty ? "" : " \(Figures.percent(Double(right) / Double(chosen.count))) % of them are classified correctly."
            return Group(
                title: "Sent to \(images.resolutions[column]) px",
                text: chosen.isEmpty ? "No image." : "\(chosen.count) \(chosen.count == 1 ? "image" : "images"), \(share) %.\(accuracy)",
                images: spread(chosen))
        }
    }

    private var onlyLargest: Group {
        let columns = images.resolutions.indices.dropFirst()
        let found = images.images.filter { image in image.isRight(at: 0) && !columns.contains { image.isRight(at: $0) } }
        let reverse = images.images.filter { image in
            !image.isRight(at: 0) && image.isRight(at: images.resolutions.count - 1)
        }
        let (largest, smallest) = (images.resolutions[0], images.resolutions[images.resolutions.count - 1])
        return Group(
            title: "Only \(largest) px is right",
            text:
                "\(found.count) of \(images.images.count) images need the largest resolution. For comparison: \(reverse.count) are right "
                + "at \(smallest) px and wrong at \(largest) px. The surest answers at \(largest) px come first.",
            images: Array(found.sorted { $0.fixedProbabilities[0] > $1.fixedProbabilities[0] }.prefix(limit)))
    }

    private var mistakes: Group {
        let wrong = images.images.filter { !$0.isRight }
        let hasProbability = wrong.contains { $0.probability != nil }
        return Group(
            title: "The worst mistakes",
            text: wrong.isEmpty
                ? "No image is classified wrongly."
                : "\(wrong.count) of \(images.images.count) images are classified wrongly. "
                    + (hasProbability ? "The surest wrong answers come first." : "Those whose class has the worst rank come first."),
            images: Array(Self.worstFirst(wrong).prefix(limit)))
    }

    /// The surest wrong answers first. Without probabilities, those whose class has the worst rank.
    static func worstFirst(_ wrong: [ReportedImages.Image]) -> [ReportedImages.Image] {
        let hasProbability = wrong.contains { $0.probability != nil }
        return wrong.sorted { left, right in
            hasProbability ? left.probability ?? 0 > right.probability ?? 0 : left.labelRank > right.labelRank
        }
    }

    /// Images from all parts of a list, which is sorted by class.
    private func spread(_ list: [ReportedImages.Image]) -> [ReportedImages.Image] {
        guard list.count > limit else { return list }
        return (0..<limit).map { list[(2 * $0 + 1) * list.count / (2 * limit)] }
    }

    private func item(_ image: ReportedImages.Image) -> HTML {
        let (label, predicted) = (images.classes[image.label], images.classes[image.predicted])
        let probability = image.probability.map { String(format: ", %.0f %%", 100 * $0) } ?? ""
        let resolution = images.isDynamic ? " at \(images.resolutions[image.choice]) px" : ""
        let description = "Photograph of class \(label), classified as \(predicted)\(resolution)"
        let answer: [HTML] =
            image.isRight
            ? [.element("span", [("class", "right")], [.text("✓ right\(probability)\(resolution)")])]
            : [
                .element("span", [("class", "wrong")], ["✗ ", .name(predicted), .text("\(probability)\(resolution)")]),
                .text(image.labelRank > 1 ? "; its class has rank \(image.labelRank + 1)" : ""),
            ]
        let file = image.name.split(separator: "/").last.map(String.init) ?? image.name
        return .element(
            "figure", [],
            [
                Thumbnail.html(image.source, description: description),
                .element(
                    "figcaption", [],
                    [
                        .element("strong", [], [.name(label)]), .element("div", [], answer),
                        .element("div", [("class", "file")], [.name(file)]),
                    ]),
            ])
    }
}
