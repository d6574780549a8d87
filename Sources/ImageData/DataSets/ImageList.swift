import Foundation
import Interchange

/// A list of images: a CSV file with the columns `path` and `label`, or a file with one JSON object on each line, {"path": …, "label": …}.
/// Paths are relative to the folder of the list. A label is the name of a class; in JSON, a number is the number of a class.
enum ImageList {
    private static let (path, label) = ("path", "label")
    private static let shownProblems = 10

    /// Reads a list. Does not open the images.
    ///
    /// - Throws: `DatasetError`, which names the list and the lines that cannot be used.
    static func read(_ file: FileSystemPath) throws -> LabelledImages {
        let bytes = try FileBytes.read(file)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError.list(path: file.description, reason: "it is not UTF-8")
        }
        let folder = FileSystemPath(bytes: Array(file.bytes[..<(file.bytes.lastIndex(of: slash) ?? 0)]))
        let isJSON = file.bytes.suffix(6).elementsEqual(".jsonl".utf8)
        let rows = try isJSON ? jsonRows(text) : csvRows(text, file)
        var (images, problems): (LabelledImages, [String]) = (LabelledImages(), [])
        for row in rows {
            switch row.contents {
            case .success(let image): images.add(.file(absolute(image.path, folder)), image.label)
            case .failure(let problem): problems.append("\(isJSON ? "line" : "row") \(row.number): \(problem.reason)")
            }
        }
        guard problems.isEmpty else {
            throw DatasetError.lines(path: file.description, count: problems.count, problems: Array(problems.prefix(shownProblems)))
        }
        return images
    }

    private static let slash = UInt8(ascii: "/")

    private static func absolute(_ path: String, _ folder: FileSystemPath) -> FileSystemPath {
        path.hasPrefix("/") ? FileSystemPath(path) : folder.appending(path.utf8)
    }

    /// One image of a list, or what is wrong with its line.
    private struct Row {
        var number: Int
        var contents: Result<(path: String, label: LabelledImages.Label), Problem>
    }

    private struct Problem: Error {
        var reason: String
    }

    private static func csvRows(_ text: String, _ file: FileSystemPath) throws -> [Row] {
        let rows = CSV.rows(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        guard let heading = rows.first, let pathColumn = heading.firstIndex(of: path), let labelColumn = heading.firstIndex(of: label)
        else {
            throw DatasetError.list(
                path: file.description,
                reason:
                    "its first line has no columns '\(path)' and '\(label)', but \(List.text(rows.first ?? [])); write \(path),\(label) "
                    + "there, and the path and the class of one image on each other line")
        }
        return rows.enumerated().dropFirst().map { number, row in
            guard row.count > max(pathColumn, labelColumn), !row[pathColumn].isEmpty, !row[labelColumn].isEmpty else {
                return Row(number: number + 1, contents: .failure(Problem(reason: "the path or the label is missing")))
            }
            return Row(number: number + 1, contents: .success((row[pathColumn], .name(row[labelColumn]))))
        }
    }

    private static func jsonRows(_ text: String) -> [Row] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().compactMap { index, line in
            guard !line.allSatisfy(\.isWhitespace) else { return nil }
            return Row(number: index + 1, contents: Result { try image(line) }.mapError { $0 as? Problem ?? Problem(reason: "\($0)") })
        }
    }

    private struct JSONLine: Decodable {
        var path: String
        var label: LabelledImages.Label
    }

    private static func image(_ line: Substring) throws -> (path: String, label: LabelledImages.Label) {
        guard let found = try? JSONDecoder().decode(JSONLine.self, from: Data(line.utf8)), !found.path.isEmpty else {
            throw Problem(reason: "it is no object such as {\"path\": \"images/1.jpg\", \"label\": \"cat\"}")
        }
        return (found.path, found.label)
    }
}
