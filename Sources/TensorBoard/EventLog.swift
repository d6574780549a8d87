import Foundation
import Interchange

/// Writes an event file for TensorBoard: scalars, images, and the hyper-parameters of a run.
///
/// Events that cannot be written, for example on a full disk, wait in memory (`RecordFile`). No method throws for them.
package final class EventLog {
    /// Path of the file.
    package let path: String
    private let file: RecordFile
    private let now: () -> Double

    /// The machine and the process that write, and their clock.
    package struct Writer {
        /// Seconds since 1970.
        var now: () -> Double
        var host: String
        var process: Int32

        package init(
            host: String = ProcessInfo.processInfo.hostName, process: Int32 = ProcessInfo.processInfo.processIdentifier,
            now: @escaping () -> Double = { Date().timeIntervalSince1970 }
        ) {
            (self.host, self.process, self.now) = (host, process, now)
        }
    }

    /// Begins a file. Its name is after those of all event files of the folder, because TensorBoard reads them in this order.
    ///
    /// - Parameters:
    ///   - folder: of all event files of the run.
    ///   - step: of a resumed run: what earlier files have of this step and of later ones is void. Nil for a new run.
    ///   - writer: of the file.
    ///   - warn: receives sentences for a person.
    package init(folder: String, voidFrom step: Int?, writer: Writer = Writer(), warn: @escaping (String) -> Void) {
        now = writer.now
        path = "\(folder)/\(Self.name(after: (try? DurableFile.names(in: folder)) ?? [], writer))"
        file = RecordFile(creatingLater: path, warn: warn)
        add(step: 0) { $0.fileVersion = "brain.Event:2" }
        if let step { add(step: step) { $0.sessionLog = .with { $0.status = .start } } }
    }

    private static let prefix = "events.out.tfevents."

    /// TensorBoard recognises event files by "tfevents", and sorts them by name. Clocks of hosts differ.
    private static func name(after names: [String], _ writer: Writer) -> String {
        let earlier = names.filter { $0.hasPrefix(prefix) }.compactMap { Int($0.dropFirst(prefix.count).prefix { $0 != "." }) }
        let seconds = max(Int(writer.now()), (earlier.max() ?? 0) + 1)
        let host = String(writer.host.unicodeScalars.map { isNamePart($0) ? Character($0) : "-" })
        return "\(prefix)\(String(repeating: "0", count: max(0, 10 - "\(seconds)".count)))\(seconds).\(host).\(writer.process).drnet"
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-" || scalar == ".")
    }

    /// Adds numbers. TensorBoard has 32-bit numbers.
    package func add(_ scalars: [(tag: String, value: Double)], step: Int) {
        guard !scalars.isEmpty else { return }
        add(
            scalars.map { scalar in
                .with {
                    $0.tag = scalar.tag
                    $0.simpleValue = Float(scalar.value)
                }
            }, step: step)
    }

    /// An image file of three colours.
    package struct Picture {
        var tag: String
        var width: Int
        var height: Int
        /// Of a JPEG or PNG file.
        var bytes: Data

        package init(tag: String, width: Int, height: Int, bytes: Data) {
            (self.tag, self.width, self.height, self.bytes) = (tag, width, height, bytes)
        }
    }

    /// Adds images.
    package func add(_ pictures: [Picture], step: Int) {
        guard !pictures.isEmpty else { return }
        add(
            pictures.map { picture in
                .with {
                    $0.tag = picture.tag
                    $0.image = .with {
                        ($0.width, $0.height, $0.colorspace) = (Int32(picture.width), Int32(picture.height), 3)
                        $0.encodedImageString = picture.bytes
                    }
                }
            }, step: step)
    }

    func add(_ values: [TBSummaryValue], step: Int) {
        add(step: step) { $0.summary = .with { $0.value = values } }
    }

    /// Seconds since 1970.
    var time: Double { now() }

    private func add(step: Int, _ fill: (inout TBEvent) -> Void) {
        var event = TBEvent()
        (event.wallTime, event.step) = (now(), Int64(step))
        fill(&event)
        // These messages have no required fields and no invalid texts, so they can always be encoded.
        if let record = try? EventRecord.data(event) { file.append(record) }
    }
}
