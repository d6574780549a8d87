import Foundation
import SwiftProtobuf
import TensorBoard

/// The event files of a folder, as TensorBoard reads them. Checksums are not read.
package struct EventFiles {
    /// In the order of the files' names.
    package var events: [TBEvent] = []
    package var names: [String] = []

    package init(_ folder: String) throws {
        names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        for name in names { events += try Self.events(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))) }
    }

    /// The events in the bytes of a file.
    package static func events(_ data: Data) throws -> [TBEvent] {
        var (rest, events) = ([UInt8](data)[...], [TBEvent]())
        while !rest.isEmpty {
            guard rest.count >= 16 else { throw Torn(bytes: rest.count) }
            let length = Int(rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
            guard length <= rest.count - 16 else { throw Torn(bytes: rest.count) }
            events.append(try TBEvent(serializedBytes: Data(rest.dropFirst(12).prefix(length))))
            rest = rest.dropFirst(16 + length)
        }
        return events
    }

    /// A file that ends inside of a record.
    struct Torn: Error {
        var bytes: Int
    }

    /// The values that TensorBoard shows: the start of a session voids the step of its event and later ones.
    package var shown: [(step: Int, value: TBSummaryValue)] {
        events.reduce(into: []) { shown, event in
            if event.sessionLog.status == .start { shown.removeAll { $0.step >= event.step } }
            shown += event.summary.value.map { (Int(event.step), $0) }
        }
    }

    /// The scalars that TensorBoard shows, by "tag@step".
    package func scalars() -> [String: [Float]] {
        shown.reduce(into: [:]) { scalars, point in
            if case .simpleValue(let number) = point.value.value { scalars["\(point.value.tag)@\(point.step)", default: []].append(number) }
        }
    }

    /// The messages of the tab for hyper-parameters.
    package func hyperParameters() throws -> [TBHParamsContent] {
        try events.flatMap(\.summary.value).filter { $0.metadata.pluginData.pluginName == "hparams" }
            .map { try TBHParamsContent(serializedBytes: $0.metadata.pluginData.content) }
    }
}
