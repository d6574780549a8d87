import Foundation
import Interchange

/// The classes: accuracy and resolutions of each, the most frequent confusions, and the confusion matrix.
struct ClassSection {
    let images: ReportedImages

    /// The largest number of classes whose confusion matrix is shown as a whole.
    static let matrixLimit = 40
    private static let confusionLimit = 20

    private struct ClassRow {
        var label: Int
        var images = 0
        var right = 0
        var rightAtLargest = 0
        var chosen: [Int]
        /// Wrong answers by class.
        var wrong: [Int: Int] = [:]

        var accuracy: Double { images == 0 ? 0 : Double(right) / Double(images) }
        var mostFrequentMistake: (label: Int, count: Int)? {
            wrong.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
        }
    }

    func html(_ place: Place) -> HTML? {
        guard !images.images.isEmpty else { return nil }
        let rows = rows
        let present = rows.filter { $0.images > 0 }
        var content = [classTable(present.sorted { ($0.accuracy, $0.label) < ($1.accuracy, $1.label) })]
        if present.count > Self.matrixLimit { content = [.details("All \(present.count) classes, the least accurate first", content)] }
        content += confusions(rows, place)
        if rows.count <= Self.matrixLimit {
            content += [
                place.heading("Confusion matrix"),
                .paragraph("Rows: the class of the images. Columns: the answer. Coloured cells have a larger share of their row."),
                matrix(rows),
            ]
        }
        return place.section("Classes", id: "classes", content)
    }

    private var rows: [ClassRow] {
        var rows = images.classes.indices.map { ClassRow(label: $0, chosen: images.resolutions.map { _ in 0 }) }
        for image in images.images {
            rows[image.label].images += 1
            rows[image.label].chosen[image.choice] += 1
            if image.isRight { rows[image.label].right += 1 } else { rows[image.label].wrong[image.predicted, default: 0] += 1 }
            if images.hasFixedAnswers && image.isRight(at: 0) { rows[image.label].rightAtLargest += 1 }
        }
        return rows
    }

    private func classTable(_ rows: [ClassRow]) -> HTML {
        var columns: [HTML.Table.Column] = [.init("class", isNumber: false), .init("images"), .init("top-1 %"), .init("95 % interval")]
        if images.isDynamic && images.hasFixedAnswers { columns.append(.init("at \(images.resolutions[0]) px %")) }
        if images.isDynamic { columns += images.resolutions.map { .init("sent to \($0) px") } }
        columns.append(.init("most frequent mistake", isNumber: false))
        return HTML.Table(
            caption: "Classes, the least accurate first", columns: columns,
            rows: rows.map { row in
                var cells: [HTML] = [
                    .name(images.classes[row.label]), .text("\(row.images)"), .text(Figures.percent(row.accuracy)),
                    .text(ResultSection.interval(row.accuracy, row.images)),
                ]
                if images.isDynamic && images.hasFixedAnswers {
                    cells.append(.text(Figures.percent(Double(row.rightAtLargest) / Double(row.images))))
                }
                if images.isDynamic { cells += row.chosen.map { .text(Figures.percent(Double($0) / Double(row.images)) + " %") } }
                cells.append(
                    row.mostFrequentMistake.map { .group([.name(images.classes[$0.label]), .text(" (\($0.count))")]) } ?? .text("none"))
                return cells
            }
        ).html
    }

    private func confusions(_ rows: [ClassRow], _ place: Place) -> [HTML] {
        let pairs = rows.flatMap { row in row.wrong.map { (label: row.label, predicted: $0.key, count: $0.value, images: row.images) } }
            .sorted { ($1.count, $0.label, $0.predicted) < ($0.count, $1.label, $1.predicted) }
        guard !pairs.isEmpty else { return [] }
        let table = HTML.Table(
            caption: "Most frequent confusions",
            columns: [
                .init("class", isNumber: false), .init("classified as", isNumber: false), .init("images"), .init("of the class"),
            ],
            rows: pairs.prefix(Self.confusionLimit).map { pair in
                [
                    .name(images.classes[pair.label]), .name(images.classes[pair.predicted]), .text("\(pair.count)"),
                    .text(Figures.percent(Double(pair.count) / Double(pair.images)) + " %"),
                ]
            })
        return rows.count <= Self.matrixLimit ? [HTML.details("The most frequent confusions as a list", [table.html])] : [table.html]
    }

    private func matrix(_ rows: [ClassRow]) -> HTML {
        func cell(_ row: ClassRow, _ predicted: Int) -> HTML {
            let count = row.label == predicted ? row.right : row.wrong[predicted] ?? 0
            let share = row.images == 0 ? 0 : Double(count) / Double(row.images)
            let kind = row.label == predicted ? "diagonal" : "cell"
            return .element(
                "td", [("class", "number \(kind)"), ("style", String(format: "--share:%.3f", share))],
                [.text(count == 0 ? "·" : "\(count)")])
        }
        let heading: [HTML] =
            [.element("th", [("scope", "col")], ["class \\ answer"])]
            + rows.map {
                .element("th", [("scope", "col"), ("class", "turned")], [.element("span", [], [.name(images.classes[$0.label])])])
            }
        let table = HTML.element(
            "table", [("class", "matrix")],
            [
                .element("caption", [], ["Numbers of images"]), .element("thead", [], [.element("tr", [], heading)]),
                .element(
                    "tbody", [],
                    rows.map { row in
                        .element(
                            "tr", [],
                            [.element("th", [("scope", "row")], [.name(images.classes[row.label])])]
                                + rows.map { cell(row, $0.label) })
                    }),
            ])
        return .scrolling(table, label: "Confusion matrix")
    }
}
