import Foundation
import TestSupport
import XCTest

@testable import Configuration

/// YAML as people write it: read as YAML says, or refused with the reason.
final class YAMLTests: XCTestCase {
    private let minimal = """
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18}
        optimizer: {batchSize: 32}
        stages:
          warmUp: {epochs: 3, learningRate: {base: 0.1}}
        """

    private func load(_ text: String, _ overrides: [String] = []) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: overrides)
    }

    private func problems(_ text: String, _ overrides: [String] = []) -> [String] {
        configurationProblems { try load(text, overrides) }
    }

    /// Loads bytes from a file.
    private func problems(of bytes: Data) -> [String] {
        do {
            return try withTemporaryFolder { folder in
                try bytes.write(to: URL(fileURLWithPath: folder + "/run.yaml"))
                do {
                    _ = try TrainingConfiguration.load(path: folder + "/run.yaml", overrides: [])
                    return []
                } catch let error as ConfigurationError {
                    return error.problems.map { $0.replacingOccurrences(of: folder + "/", with: "") }
                }
            }
        } catch {
            return ["\(error)"]
        }
    }

    private func replacing(_ old: String, _ new: String) -> String {
        XCTAssertTrue(minimal.contains(old), old)
        return minimal.replacingOccurrences(of: old, with: new)
    }

    // MARK: - Scalars

    func testNumbersAreReadInDecimalOrRefusedWithTheReason() throws {
        for (text, value) in [("1e-3", 1e-3), (".5", 0.5), ("+5", 5), ("5.", 5), ("1E2", 100), ("0.10", 0.1)] {
            XCTAssertEqual(try load(minimal, ["stages.warmUp.learningRate.base=\(text)"]).stages.warmUp?.learningRate.base, value, text)
        }
        XCTAssertEqual(try load(minimal, ["seed=+7"]).seed, 7)
        let cases = [
            ("batchSize: 32", "batchSize: \"32\"", "takes a whole number, not the quoted text '32': remove the quotes"),
            ("batchSize: 32", "batchSize: !!str 32", "takes a whole number, not the quoted text '32'"),
            ("batchSize: 32", "batchSize: 032", "not '032': a leading zero means octal in some versions of YAML; remove it"),
            ("batchSize: 32", "batchSize: 0x20", "not '0x20': write it in decimal"),
            ("batchSize: 32", "batchSize: 0o40", "not '0o40': write it in decimal"),
            ("batchSize: 32", "batchSize: 1_000", "not '1_000': write it without separators"),
            ("batchSize: 32", "batchSize: \"1,000\"", "not the quoted text '1,000'"),
            ("batchSize: 32", "batchSize: 1:30", "not '1:30': some versions of YAML read it in base 60"),
            ("batchSize: 32", "batchSize: 1e2", "not '1e2': write 100"), ("batchSize: 32", "batchSize: 32.0", "not '32.0': write 32"),
            ("batchSize: 32", "batchSize: 3.5", "takes a whole number, not '3.5'"),
            ("batchSize: 32", "batchSize: 99999999999999999999", "not '99999999999999999999': it is too large"),
            ("batchSize: 32", "batchSize: [32]", "takes a whole number, not a list of 1"),
            ("base: 0.1", "base: .inf", "takes a number, not '.inf': infinity and NaN are not allowed"),
            ("base: 0.1", "base: -.INF", "infinity and NaN are not allowed"),
            ("base: 0.1", "base: .nan", "infinity and NaN are not allowed"),
            ("base: 0.1", "base: nan", "infinity and NaN are not allowed"),
            ("base: 0.1", "base: 0x1p3", "not '0x1p3': write it in decimal"),
            ("base: 0.1", "base: '0.1'", "not the quoted text '0.1': remove the quotes"), ("base: 0.1", "base: 1e400", "it is too large"),
            ("[96, 64]", "[96, \"64\"]", "holds the quoted text '64': remove the quotes; each is a whole number"),
        ]
        for (old, new, message) in cases {
            let found = problems(replacing(old, new))
            XCTAssertTrue(found.contains { $0.hasPrefix("run.yaml:") && $0.contains(message) }, "\(new): \(found)")
        }
    }

    func testBooleansAreTrueOrFalse() throws {
        for (text, value) in [("true", true), ("True", true), ("FALSE", false)] {
            XCTAssertEqual(try load(minimal, ["optimizer.decaysNormAndBias=\(text)"]).optimizer.decaysNormAndBias, value)
        }
        for (text, hint) in [
            ("yes", "'yes': write true"), ("No", "'No': write false"), ("on", "'on': write true"), ("off", "'off': write false"),
            ("1", "'1': write true"), ("\"true\"", "the quoted text 'true': remove the quotes"), ("maybe", "'maybe'"),
        ] {
            let found = problems(minimal, ["optimizer.decaysNormAndBias=\(text)"])
            XCTAssertTrue(found.first?.hasSuffix("takes true or false, not \(hint)") ?? false, "\(found)")
        }
        for text in ["null", "~", "Null", "NULL"] {
            XCTAssertNil(try load(minimal, ["classifier.pretrained=\(text)"]).classifier.pretrained)
        }
        XCTAssertEqual(try load(minimal, ["classifier.pretrained=\"null\""]).classifier.pretrained, "null")
    }

    // MARK: - Keys, anchors and merges

    func testDuplicateKeysAreRefusedWithBothLines() {
        let cases = [
            (minimal + "\nseed: 1\nseed: 2", "run.yaml:8: key 'seed' appears twice, first in line 7; remove one of the two"),
            (minimal + "\nseed: 1\n\"seed\": 2", "run.yaml:8: key 'seed' appears twice, first in line 7"),
            (minimal + "\nseed: 1\nbase: {seed: 5}\nseed: 2\nseed: 3", "run.yaml:9: key 'seed' appears twice, first in line 7"),
            (
                replacing("batchSize: 32", "batchSize: 32, momentum: 0.9, batchSize: 64"),
                "run.yaml:4: key 'batchSize' appears twice, first in line 4"
            ),
            (minimal + "\nx-a: {1: 2,\n '1': 3}", "run.yaml:8: key '1' appears twice, first in line 7"),
            (
                minimal.replacingOccurrences(of: "\n", with: "\r\n") + "\r\nseed: 1\r\nseed: 2",
                "run.yaml:8: key 'seed' appears twice, first in line 7"
            ),
            (
                minimal + "\nx-a: &a {}\nx-b:\n  <<: *a\n  <<: *a",
                "run.yaml:10: key '<<' appears twice, first in line 9; write one with a list"
            ),
        ]
        for (text, message) in cases {
            XCTAssertTrue(problems(text).first?.hasPrefix(message) ?? false, "\(problems(text))")
        }
    }

    func testMergeKeysAndAnchorsBehaveAsInYAML() throws {
        let text = """
            x-schedule: &schedule {base: 0.1, kind: step, factor: 0.5}
            x-short: &short {epochs: 2, learningRate: {<<: *schedule, base: 0.3}}
            x-slow: &slow {factor: 0.9, everyEpochs: 7}
            resolutions: &sizes [96, 64]
            data: {folder: photos}
            classifier: {architecture: resnet18}
            predictor: {inputSize: 32}
            optimizer: {batchSize: &batch 32}
            evaluation: {batchSize: *batch}
            stages:
              warmUp: {<<: *short, epochs: 3}
              fineTune:
                epochs: 1
                learningRate:
                  <<: [*slow, *schedule]
            """
        let configuration = try load(text)
        let (warmUp, fineTune) = (try XCTUnwrap(configuration.stages.warmUp), try XCTUnwrap(configuration.stages.fineTune))
        XCTAssertEqual(warmUp.epochs, 3, "a key of the section comes before a merged one")
        XCTAssertEqual(warmUp.learningRate.base, 0.3)
        XCTAssertEqual(warmUp.learningRate.factor, 0.5)
        XCTAssertEqual(fineTune.learningRate.factor, 0.9, "earlier sections of the list come first")
        XCTAssertEqual(fineTune.learningRate.base, 0.1)
        XCTAssertEqual(fineTune.learningRate.everyEpochs, 7)
        XCTAssertEqual(configuration.evaluation.batchSize, 32)
        XCTAssertEqual(try load(text, ["stages.warmUp.learningRate.base=0.7"]).stages.warmUp?.learningRate.base, 0.7)
        XCTAssertEqual(try load(configuration.yaml()), configuration)
        let cases = [
            ("seed: &a {<<: 5}", "the merge key '<<' takes a section or a list of sections, such as *name, not '5'"),
            ("x-a: {<<: [1]}", "the merge key '<<' takes a section"),
            ("seed: *none", "the alias '*none' is not defined; its anchor (&name)"),
            ("\"<<\": {seed: 5}", "key '<<' is unknown"),
        ]
        for (line, message) in cases {
            let found = problems(minimal + "\n" + line)
            XCTAssertTrue(found.contains { $0.hasPrefix("run.yaml:7: ") && $0.contains(message) }, "\(line): \(found)")
        }
    }

    func testAliasBombsAndDeepNestingAreRefusedAtOnce() {
        let start = Date()
        var bomb = "x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1..<30 { bomb += "x-\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n" }
        XCTAssertTrue(
            problems(bomb + minimal).first?.contains("the aliases expand to more than 10000 values") ?? false, "\(problems(bomb + minimal))"
        )
        for key in ["? *a29\n: 1", "{*a29 : 1}", "? [*a29]\n: 1", "{[*a29]: 1}"] {
            let found = problems(bomb + "x-key: {}\n" + key + "\n" + minimal)
            XCTAssertTrue(found.first?.contains("keys must be words") ?? false, "\(key): \(found)")
        }
        for text in [
            "x-a: " + String(repeating: "[", count: 100_000),
            "x-a: " + String(repeating: "{a: ", count: 500) + String(repeating: "}", count: 500),
            "x-a: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100), String(repeating: "- ", count: 5000) + "a",
        ] {
            let found = problems(text + "\n" + minimal)
            XCTAssertTrue(found.first?.contains("nested too deeply") ?? false, "\(text.prefix(20)): \(found)")
        }
        XCTAssertLessThan(Date().timeIntervalSince(start), 10)
    }

    func testTagsAndStrangeKeysAreRefusedByName() throws {
        let cases = [
            ("seed: !!python/object/apply:os.system ['x']", "the tag '!!python/object/apply:os.system' is not supported here"),
            ("seed: !mine 5", "the tag '!mine' is not supported"), ("seed: !!int \"5\"", "the tag '!!int' is not supported"),
            ("seed: !!timestamp 2001-01-01", "the tag '!!timestamp' is not supported"), ("5: x", "key '5' is unknown"),
            ("null: x", "key 'null' is unknown"), ("? {a: b}\n: 1", "keys must be words, not lists or sections"),
            ("? [a]\n: 1", "keys must be words"), ("? \n: 1", "key '' is unknown"), ("\"a\\nb\\e\": 1", "key 'a\\u{a}b\\u{1b}' is unknown"),
        ]
        for (line, message) in cases {
            let found = problems(minimal + "\n" + line)
            XCTAssertTrue(found.contains { $0.hasPrefix("run.yaml:7: ") && $0.contains(message) }, "\(line): \(found)")
        }
        XCTAssertEqual(try load(minimal + "\nseed: !!int 5").seed, 5)
        XCTAssertEqual(problems(minimal + "\nx-note: anything"), [], "sections with x- hold anchors")
    }

    // MARK: - Files

    func testDocumentsTabsAndOtherMistakesHaveALineAndAReason() {
        let cases = [
            (minimal + "\n---\nseed: 2", "run.yaml:7: a second document begins here; a configuration is one document"),
            (replacing("  warmUp:", "\twarmUp:"), "run.yaml:6: not valid YAML: a tab cannot indent; use spaces"),
            (minimal + "\nseed: @5", "run.yaml:7: not valid YAML: no value can begin with '@'; quote it"),
            (replacing("{folder: photos}", "\n  folder: a: b"), "': ' begins a value, and none can be here"),
            (minimal + "\nseed: [", "run.yaml:8: not valid YAML: "), (minimal + "\nseed: \"5", "run.yaml:"),
            ("- 1", "run.yaml:1: a configuration is a YAML mapping of keys to values, not a list of 1"), ("5", "not '5'"),
        ]
        for (text, message) in cases {
            XCTAssertTrue(problems(text).first?.contains(message) ?? false, "\(message): \(problems(text))")
        }
        for text in ["---\n\(minimal)", "\(minimal)\n...\n", "%YAML 1.1\n---\n\(minimal)", "# a comment\n\n\(minimal)"] {
            XCTAssertEqual(problems(text), [], text)
        }
        for text in ["", "---\n", "~", "# nothing"] { XCTAssertTrue(problems(text).contains { $0.contains("'resolutions' is missing") }) }
    }

    func testEncodingsAreReadOrRefusedWithTheLine() throws {
        let text = Data(minimal.utf8)
        XCTAssertEqual(problems(of: text), [])
        XCTAssertEqual(problems(of: Data([0xEF, 0xBB, 0xBF]) + text), [], "a byte order mark")
        XCTAssertEqual(problems(of: Data(minimal.replacingOccurrences(of: "\n", with: "\r\n").utf8)), [], "CRLF")
        for isLittleEndian in [true, false] {
            let units = "\u{FEFF}\(minimal)".utf16.flatMap {
                isLittleEndian ? [UInt8($0 & 255), UInt8($0 >> 8)] : [UInt8($0 >> 8), UInt8($0 & 255)]
            }
            XCTAssertEqual(problems(of: Data(units)), [], "UTF-16")
            XCTAssertTrue(problems(of: Data(units.dropLast())).first?.contains("not UTF-16") ?? false)
        }
        XCTAssertEqual(
            problems(of: text + Data("\nx-a: caf".utf8) + Data([0xE9])), ["run.yaml:7: this line is not UTF-8; save the file as UTF-8"])
        XCTAssertTrue(
            problems(of: text + Data("\nseed: 5\0".utf8)).first?.hasPrefix("run.yaml:7: YAML does not allow the control character U+0")
                ?? false)
        XCTAssertTrue(problems(of: Data(repeating: 0x20, count: 2 << 20)).first?.contains("too large") ?? false)
        XCTAssertTrue(
            problems(minimal, ["data.folder=\"a\\0b\""]).first?.hasSuffix("key 'data.folder' has a NUL character") ?? false)
    }

    func testFilesThatCannotBeReadHaveTheSystemsReason() throws {
        func problem(_ path: String) -> String {
            do {
                _ = try TrainingConfiguration.load(path: path, overrides: [])
                return ""
            } catch {
                return "\(error)"
            }
        }
        try withTemporaryFolder { folder in
            XCTAssertEqual(problem(folder + "/none.yaml"), "\(folder)/none.yaml: cannot read the file: No such file or directory")
            XCTAssertEqual(problem(folder), "\(folder): this is a folder; a configuration is a YAML file")
            try minimal.write(toFile: folder + "/config.yaml", atomically: true, encoding: .utf8)
            XCTAssertTrue(problem(folder).hasSuffix("such as \(folder)/config.yaml"), problem(folder))
            XCTAssertTrue(problem(folder + "/config.yaml/x").hasSuffix("Not a directory"))
            // A pipe, such as the shell's <(…).
            let pipe = Pipe()
            pipe.fileHandleForWriting.write(Data(minimal.utf8))
            try pipe.fileHandleForWriting.close()
            XCTAssertEqual(problem("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"), "")
        }
    }

    // MARK: - Overrides

    func testValuesOfOverridesAreYAMLAndSurprisesAreRefused() throws {
        func folder(_ text: String) throws -> String { try load(minimal, ["data.folder=\(text)"]).data.folder }
        for (text, value) in [
            ("/data/#1", "/data/#1"), ("a#b", "a#b"), ("\"a #b\"", "a #b"), ("'x: y'", "x: y"), ("C:\\data", "C:\\data"), ("a=b", "a=b"),
            ("/a b/c", "/a b/c"), ("münchen 🙂", "münchen 🙂"), ("'it''s'", "it's"), ("s3://a:b", "s3://a:b"),
        ] {
            XCTAssertEqual(try folder(text), value)
        }
        XCTAssertEqual(try load(minimal, ["seed=1", "seed=2"]).seed, 2, "the later one")
        let cases = [
            ("data.folder=b #c", "'#c' is a comment in YAML; put the text in quotes"), ("data.folder=#c", "'#c' is a comment in YAML"),
            ("resolutions=[96, 64] # two", "'# two' is a comment"), ("data.folder='a' #'b", "'#'b' is a comment"),
            ("data.folder=a: b", "': ' makes the value a section; put a text that contains it in quotes"),
            ("data.folder=- a", "write a list as [a, b]"),
            ("data.folder=", "the value is empty; write null to remove the key"),
            ("data.folder=@x", "no value can begin with '@'; quote it"),
            ("data.folder=*x", "the alias '*x' is not defined"), ("data.folder=[", "the value '[': not valid YAML"),
            ("data.folder=a\0b", "control character"), ("data.folder", "write key.path=value"), ("=5", "write key.path=value"),
            ("data..folder=5", "write key.path=value"), ("data folder=5", "write key.path=value"),
            ("data.folder={a: 1, a: 2}", "appears twice"),
            ("data.folder=--- a\n--- b", "a second document"),
            ("seed=\"5\"", "key 'seed' takes a whole number, not the quoted text '5': remove"),
        ]
        for (override, message) in cases {
            let found = problems(minimal, [override])
            XCTAssertTrue(found.first.map { $0.hasPrefix("--set ") && $0.contains(message) } ?? false, "\(override): \(found)")
        }
    }

    func testAnyTextComesBackFromTheResolvedConfiguration() throws {
        let texts = [
            "a \"b\" 'c'", "a\nb\r\nc\td", "\\\u{301}x\\", "\u{1}\u{7F}\u{85}\u{2028}\u{FEFF}\u{E000}\u{FFFD}", "🙂 é e\u{301} 日本",
            "# no comment",
            "null", "5", "- x", "a: b", " begins and ends ", "&a *b !c %d @e `f", "{}[]", "\u{1FFFE}\u{10FFFF}",
        ]
        var configuration = try load(minimal)
        for text in texts {
            configuration.data.folder = text
            configuration.classifier.pretrained = text
            XCTAssertEqual(problems(of: Data(configuration.yaml().utf8)), [], text)
            XCTAssertEqual(try load(configuration.yaml()), configuration, text)
        }
    }
}
