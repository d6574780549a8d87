import Communication
import Foundation
import Interchange

extension Communicator {
    /// Every rank's value, in the order of the ranks. Floats keep their bits, except the payload of a NaN. Collective.
    func allGather<Value: Codable>(_ value: Value, label: String) throws -> [Value] {
        let text = String(decoding: try JSON.encode(value, .compact), as: UTF8.self)
        return try allGatherStrings(text, label: label).enumerated().map { rank, text in
            try JSON.decode(Value.self, from: Data(text.utf8), source: "\(label) of rank \(rank)")
        }
    }

    /// Rank 0's value on every rank. Collective.
    ///
    /// - Parameters:
    ///   - label: what the value is, for messages.
    ///   - makeValue: runs on rank 0 only. If it fails, all ranks throw the same error. It must not contain a collective.
    /// - Returns: the value that `makeValue` returned on rank 0.
    public func valueOfRankZero<Value: Codable>(label: String, _ makeValue: () throws -> Value) throws -> Value {
        let own = try onRankZero(label: label, makeValue)
        let data = try broadcast(own.map { try JSON.encode($0, .compact) } ?? Data(), root: 0, label: label)
        return try own ?? JSON.decode(Value.self, from: data, source: "\(label) of rank 0")
    }
}
