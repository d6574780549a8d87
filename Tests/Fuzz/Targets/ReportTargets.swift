import Foundation
import Report

extension FuzzTarget {
    /// The page about a run folder whose records, table, starts and predictions are any bytes. A separator is between the files.
    static let report = FuzzTarget(name: "report", seeds: { [Array(reportSeed.utf8)] }) { bytes in
        let parts = bytes.split(separator: 0x1E, maxSplits: 3, omittingEmptySubsequences: false).map { Data($0) }
        withFile(parts.first.map { Array($0) } ?? [], "run/metrics.jsonl") { path in
            let folder = (path as NSString).deletingLastPathComponent
            for (name, part) in zip(["evaluation.json", "environment.json", "predictions.csv"], parts.dropFirst()) {
                try? part.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            _ = attempt {
                var run = try ReportedRun(path: folder)
                if let images = attempt({ try ReportedImages(predictions: folder + "/predictions.csv", resolutions: []) }) {
                    run.add(images)
                }
                return RunReport([run, run], galleryLimit: 2, version: "1").html
            }
        }
    }

    private static let reportSeed = """
        {"kind":"step","stage":"warmUp","epoch":1,"step":1,"loss":2.5,"accuracy":0.5,"learningRates":[0.1,null],"gradientNorm":1}
        {"kind":"step","stage":"fineTune","epoch":1,"step":20,"loss":1e-3,"gigaFLOPs":0.2,"shares":[0.25,0.75],"entropy":0.5}
        {"kind":"epoch","stage":"fineTune","epoch":1,"step":20,"loss":1,"rankSeconds":{"computing":[1,2],"waiting":[1,0],"loading":[0,1]}}
        {"kind":"evaluation","stage":"fineTune","epoch":1,"step":20,"rows":[{"name":"fixed 64","top1":0.5,"totalGFLOPs":1,"shares":[1,0]}]}
        {"kind":"event","stage":"fineTune","epoch":1,"step":20,"message":"<b>"}

        \u{1E}{"images":20,"classes":2,"resolutions":[64,32],"rows":[
        {"name":"dynamic","top1":0.7,"totalGFLOPs":0.3,"totalShare":0.6,"shares":[0.2,0.8]},
        {"name":"fixed 64","top1":0.75,"totalGFLOPs":0.5,"shares":[1,0]},{"name":"fixed 32","top1":0.5,"totalGFLOPs":0.125,"shares":[0,1]}]}
        \u{1E}[{"drnet":"0.1.0","ranks":["a: rank 0"],"commandLine":["drnet","train"],"started":"2026"}]
        \u{1E}path,class,predicted,resolution,rank
        a.jpg,cat,cat,64,0
        "b,.jpg",cat,dog,32,3

        """
}
