import Foundation
import TestSupport
import XCTest

@testable import Report

/// Run folders as a training writes them, without a training.
enum RunFolders {
    /// Makes a folder with the usual files.
    ///
    /// - Parameters:
    ///   - path: of the folder.
    ///   - metrics: the lines of metrics.jsonl; nil for none.
    ///   - evaluation: whether there is an evaluation.json.
    ///   - configuration: the text of config.yaml; nil for none.
    static func make(
        _ path: String, metrics: [String]? = usualMetrics, evaluation: Bool = true, configuration: String? = usualConfiguration
    ) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        func write(_ name: String, _ text: String?) throws {
            try text?.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        }
        try write("config.yaml", configuration)
        try write("metrics.jsonl", metrics.map { $0.map { $0 + "\n" }.joined() })
        try write("evaluation.json", evaluation ? usualEvaluation : nil)
        try write("environment.json", #"[{"commandLine": ["drnet", "train", "<b>.yaml"], "drnet": "0.1.0", "ranks": ["a: rank 0"]}]"#)
    }

    static let usualConfiguration = """
        resolutions: [64, 32]
        data: {folder: /nowhere/photographs}
        classifier: {architecture: resnet18}
        predictor: {kind: cascade, head: learned}
        optimizer: {batchSize: 12}
        stages:
          warmUp: {epochs: 2, learningRate: {base: 0.02}}
          fineTune: {epochs: 2, learningRate: {base: 0.01}}
        """

    static let usualMetrics: [String] = {
        let times =
            #""rankSeconds":{"computing":[1.5,1],"waiting":[0,0.5],"communicating":[0.25,0.25],"loading":[0.25,0.25],"saving":[0,0]}"#
        var lines: [String] = []
        for step in 1...8 {
            let stage = step <= 4 ? "warmUp" : "fineTune"
            let policy = step <= 4 ? "" : #","gigaFLOPs":0.2,"shares":[0.25,0.75],"entropy":0.5"#
            lines.append(
                #"{"kind":"step","stage":"\#(stage)","epoch":\#((step + 1) / 2),"step":\#(step),"loss":\#(3.0 / Double(step)),"#
                    + #""accuracy":0.5,"gradientNorm":1,"imagesPerSecond":9,"learningRates":[0.01,null]\#(policy)}"#)
            guard step % 2 == 0 else { continue }
            let place = #""stage":"\#(stage)","epoch":1,"step":\#(step)"#
            let rows = [row("dynamic", 0.7, 0.3), row("fixed 64", 0.75, 0.5)].joined(separator: ",")
            lines += [
                #"{"kind":"ledger",\#(place),"images":24,"expectedImages":24,"eachExactlyOnce":true}"#,
                #"{"kind":"evaluation",\#(place),"rows":[\#(rows)]}"#,
                #"{"kind":"epoch",\#(place),"loss":1,"accuracy":0.6\#(policy),\#(times)}"#,
            ]
        }
        lines.append(#"{"kind":"event","stage":"fineTune","epoch":1,"step":7,"message":"a <warning> & more"}"#)
        lines.append(#"{"kind":"evaluation","stage":"final","epoch":1,"step":8,"rows":[\#(row("dynamic", 0.7, 0.3))]}"#)
        return lines
    }()

    static func row(_ name: String, _ top1: Double, _ cost: Double) -> String {
        #"{"name":"\#(name)","top1":\#(top1),"top5":0.9,"classifierGFLOPs":\#(cost),"totalGFLOPs":\#(cost),"classifierShare":\#(2 * cost),"#
            + #""totalShare":\#(2 * cost),"shares":[0.25,0.75]}"#
    }

    static let usualEvaluation =
        #"{"images":200,"classes":3,"resolutions":[64,32],"rows":["#
        + [row("dynamic", 0.7, 0.3), row("fixed 64", 0.75, 0.5), row("fixed 32", 0.5, 0.125), row("oracle", 0.8, 0.2)].joined(
            separator: ",")
        + "]}"
}

/// A page as a tree. The pages are well-formed XML, too, so that a test can read them.
struct Page {
    let root: XMLTree
    let text: String

    init(_ runs: [ReportedRun], gallery: Int = 12) throws {
        text = RunReport(runs, galleryLimit: gallery, version: "1", date: Date(timeIntervalSince1970: 0)).html
        root = try XMLTree.parse(text.replacingOccurrences(of: "<!DOCTYPE html>\n", with: ""))
    }

    func all(_ names: String...) -> [XMLTree] {
        func collect(_ tree: XMLTree) -> [XMLTree] { (names.contains(tree.name) ? [tree] : []) + tree.children.flatMap(collect) }
        return collect(root)
    }

    /// The texts of all elements with a name.
    func texts(_ names: String...) -> [String] {
        func text(_ tree: XMLTree) -> String { tree.text + tree.children.map(text).joined() }
        func collect(_ tree: XMLTree) -> [String] { (names.contains(tree.name) ? [text(tree)] : []) + tree.children.flatMap(collect) }
        return collect(root)
    }
}
