import Foundation

/// Describes errors to a person.
public enum ErrorText {
    /// Returns the description of an error. The project's own errors are sentences already. Foundation's descriptions are dumps of fields,
    /// so its errors become a path and the system's reason.
    public static func describe(_ error: any Error) -> String {
        if let error = error as? POSIXError { return reason(error) }
        guard let error = error as? CocoaError else { return "\(error)" }
        let path = error.filePath ?? error.url?.path
        return (path.map { "\($0): " } ?? "") + ((error.underlying as? POSIXError).map(reason) ?? reason(error.code))
    }

    private static func reason(_ error: POSIXError) -> String { String(cString: strerror(error.code.rawValue)) }

    private static func reason(_ code: CocoaError.Code) -> String {
        switch code {
        case .fileNoSuchFile, .fileReadNoSuchFile: return "the file does not exist"
        case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
        case .fileWriteOutOfSpace: return "no space is left on the device"
        case .fileWriteVolumeReadOnly: return "the file system is read-only"
        case .fileWriteFileExists: return "the file exists already"
        case .fileReadCorruptFile, .fileReadInapplicableStringEncoding: return "the file has not the expected contents"
        default: return "the file operation failed (code \(code.rawValue))"
        }
    }
}
