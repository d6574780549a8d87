import Configuration
import Foundation
import Interchange

/// A run in a few sentences and numbers.
struct RunSummary {
    let run: ReportedRun

    func html() -> HTML {
        .group([
            .element("p", [("class", "lead")], [.text(result)]), .paragraph(.text(training)), figures, notes,
        ])
    }

    // MARK: - Sentences

    /// The result in one sentence.
    var result: String {
        guard let table = run.table else { return "\(run.name) has not been evaluated yet. \(run.state)" }
        func percent(_ row: ReportedRow) -> String { Figures.percent(row.top1) + " %" }
        guard let dynamic = table.dynamic else {
            guard let largest = table.largest else { return "\(run.name): \(run.state)" }
            return "\(network) reaches \(percent(largest)) top-1 accuracy at \(largest.fixedResolution ?? 0) px, "
                + "with \(Figures.threeDigits(largest.totalGFLOPs)) GFLOPs an image."
        }
        let interval = ResultSection.interval(dynamic.top1, table.images)
        var sentence =
            "With its \(run.deciderName ?? "choice of resolutions"), \(network) reaches \(percent(dynamic)) top-1 accuracy"
            + (interval.isEmpty ? "" : " (95 % interval \(interval))")
            + " at \(Figures.threeDigits(dynamic.totalGFLOPs)) GFLOPs an image"
        if let share = dynamic.totalShare { sentence += ", \(Figures.percent(share)) % of the cost of the largest resolution" }
        guard let largest = table.largest, let resolution = largest.fixedResolution else { return sentence + "." }
        sentence += "; \(resolution) px for all images has \(percent(largest))"
        if let difference = run.images?.differences[dynamic.name] { sentence += " (difference \(difference.points) points)" }
        return sentence + "."
    }

    /// What was trained, on what.
    var training: String {
        var sentence = network
        if !run.resolutions.isEmpty { sentence += " with the resolutions \(run.resolutions.map(String.init).joined(separator: ", ")) px" }
        if let data = run.configuration?.data {
            sentence += ", trained on \(data.folder)" + (data.fold.map { ", fold \($0)" } ?? "")
        }
        var counts: [String] = []
        if let images = run.log?.imagesOfAnEpoch { counts.append("\(images) training images an epoch") }
        if let images = run.table?.images, images > 0 { counts.append("\(images) validation images") }
        if let classes = run.classCount { counts.append("\(classes) classes") }
        if !counts.isEmpty { sentence += " (\(counts.joined(separator: ", ")))" }
        return sentence + ". \(stages)\(run.state)"
    }

    private var stages: String {
        guard let stages = run.configuration?.stages else { return "" }
        func epochs(_ count: Int) -> String { "\(count) \(count == 1 ? "epoch" : "epochs")" }
        let list = [
            stages.warmUp.map { "warm-up, \(epochs($0.epochs))" }, stages.fineTune.map { "fine-tuning, \(epochs($0.epochs))" },
            stages.recalibrate.map { _ in "recalibration" },
        ].compactMap { $0 }
        return "Stages: \(list.joined(separator: "; ")). "
    }

    /// The classifier, in words.
    var network: String {
        guard let classifier = run.configuration?.classifier else { return "The network" }
        let width = classifier.width == 1 ? "" : " (width \(Figures.threeDigits(classifier.width)))"
        return classifier.architecture.rawValue + width
    }

    // MARK: - Parts

    private var figures: HTML {
        guard let table = run.table, let row = table.dynamic ?? table.largest else { return .group([]) }
        var values: [(String, String)] = [("\(Figures.percent(row.top1)) %", "top-1 accuracy")]
        values.append((Figures.threeDigits(row.totalGFLOPs), "GFLOPs an image"))
        if row.isDynamic, let share = row.totalShare { values.append(("\(Figures.percent(share)) %", "of the largest resolution’s cost")) }
        if row.isDynamic, let shares = row.shares, shares.count == run.resolutions.count, let last = shares.last {
            values.append(("\(Figures.percent(last)) %", "of the images at \(run.resolutions[shares.count - 1]) px"))
        }
        return .element(
            "dl", [("class", "figures")],
            values.map { value, label in
                .element("div", [], [.element("dt", [], [.text(label)]), .element("dd", [], [.text(value)])])
            })
    }

    private var notes: HTML {
        guard !run.notes.isEmpty else { return .group([]) }
        return .element(
            "div", [("class", "notes")],
            [.element("p", [], ["Parts of this report are missing or incomplete:"]), .list(run.notes.map { .text($0) })])
    }
}

extension ReportedRun {
    /// The number of classes, if it is known.
    var classCount: Int? { images?.table == nil ? table?.classes ?? deployment?.classes.count : images?.classes.count }
}
