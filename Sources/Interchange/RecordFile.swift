import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Appends records to a file of a run.
///
/// A record that cannot be written, for example on a full disk, does not end the run. It waits in memory until a later record can be
/// written. The file never contains a part of a record.
package final class RecordFile {
    private let path: String
    private let warn: (String) -> Void
    /// Nil until the file exists.
    private var descriptor: Int32?
    /// Bytes of complete records in the file.
    private var length: Int
    /// Records that could not be written yet.
    private var waiting = Data()
    private var hasWarned = false

    /// The largest size of the records that wait, in bytes. Later ones are lost.
    private static let waitingLimit = 64 << 20

    /// Writes a file with complete records, and appends to it.
    ///
    /// - Parameters:
    ///   - records: the first contents.
    ///   - path: of the file.
    ///   - warn: receives sentences for a person.
    /// - Throws: `InterchangeError` if the file cannot be written.
    package init(_ records: Data, to path: String, warn: @escaping (String) -> Void) throws {
        (self.path, self.warn, length) = (path, warn, records.count)
        try DurableFile.write(records, to: path)
        descriptor = try DurableFile.openForUpdating(path)
    }

    /// Creates the file and its folder with the first record. If that fails, this record waits, too.
    ///
    /// - Parameters:
    ///   - path: of a file that does not exist.
    ///   - warn: receives sentences for a person.
    package init(creatingLater path: String, warn: @escaping (String) -> Void) {
        (self.path, self.warn, length) = (path, warn, 0)
    }

    deinit { if let descriptor { close(descriptor) } }

    /// Appends a record, after those that wait.
    package func append(_ record: Data) {
        if waiting.count + record.count <= Self.waitingLimit { waiting += record }
        do {
            let descriptor = try self.descriptor ?? create()
            self.descriptor = descriptor
            do {
                try DurableFile.write(waiting, to: descriptor, at: length, path: path)
            } catch {
                ftruncate(descriptor, off_t(length))
                throw error
            }
            length += waiting.count
            waiting = Data()
            hasWarned = false
        } catch {
            if !hasWarned { warn("\(error). Training goes on; the records wait in memory until they can be written") }
            hasWarned = true
        }
    }

    private func create() throws -> Int32 {
        try DurableFile.createFolder(DurableFile.parent(of: path))
        try DurableFile.write(Data(), to: path)
        return try DurableFile.openForUpdating(path)
    }
}
