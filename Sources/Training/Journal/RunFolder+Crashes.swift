import Foundation
import Inference
import Interchange

/// The record of a rank that ended abnormally. `CrashRecord` of the module Communication writes it.
struct FoundCrash: Decodable, Equatable {
    var rank: Int
    var host: String
    /// Such as "step 12 (warmUp, epoch 1)"; empty before the first step.
    var context: String?
    var phase: String?
    /// `error`, `timeout` or `signal`.
    var kind: String
    var reason: String
    /// In the form of ISO 8601.
    var time: String

    /// One line for a person.
    var description: String {
        let place = [phase, context].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " in ")
        return "rank \(rank) on \(host)\(place.isEmpty ? "" : ", \(place),") ended at \(time): \(reason)"
    }
}

extension RunFolder {
    /// The records of the ranks that ended abnormally since the last start that passed its checks, in rank order. Records that cannot be
    /// read are left out: the process was killed, or the disk was full.
    func crashRecords() -> [(path: String, text: String, crash: FoundCrash)] {
        let names = ((try? DurableFile.names(in: crashes)) ?? []).filter { $0.hasPrefix("rank-") && $0.hasSuffix(".json") }
        return names.compactMap { name in
            let path = "\(crashes)/\(name)"
            guard let data = try? DurableFile.read(path), let crash = try? JSON.decode(FoundCrash.self, from: data, source: path) else {
                return nil
            }
            return (path, String(decoding: data, as: UTF8.self), crash)
        }.sorted { $0.crash.rank < $1.crash.rank }
    }

    /// Reports the crash records of the last start, and moves them into `crashes/earlier.jsonl`. A failure of this is no error: the records
    /// then stay where they are.
    func archiveCrashes(_ note: (String) -> Void) {
        let found = crashRecords()
        guard let first = found.first else { return }
        let others = found.count == 1 ? "" : " (and \(found.count - 1) more in \(crashes)/earlier.jsonl)"
        note("the last start ended with a crash: \(first.crash.description)\(others)")
        let archive = "\(crashes)/earlier.jsonl"
        let earlier = (try? DurableFile.read(archive)) ?? Data()
        guard (try? DurableFile.write(earlier + Data(found.map(\.text).joined().utf8), to: archive)) != nil else { return }
        for record in found { try? FileManager.default.removeItem(atPath: record.path) }
    }
}
