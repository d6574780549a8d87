import Foundation
import TestSupport
import XCTest

/// The modules of the package, as Package.swift declares them and as docs/architecture.md describes them.
final class ArchitectureTests: XCTestCase {
    /// The package's targets, except test targets, with the names of their dependencies.
    private func declaredModules() throws -> [String: Set<String>] {
        let manifest = try PackageManifest(path: repositoryRoot + "/Package.swift")
        return manifest.targets.filter { !$0.isForTests }.reduce(into: [:]) { $0[$1.name] = Set($1.dependencies) }
    }

    private func architecture() throws -> String {
        try String(contentsOfFile: repositoryRoot + "/docs/architecture.md", encoding: .utf8)
    }

    func testTheManifestIsReadCompletely() throws {
        let modules = try declaredModules()
        XCTAssertEqual(modules["Charts"], [])
        XCTAssertEqual(modules["Communication"], ["COpenMPI", "CCrashRecord", "Console"])
        XCTAssertTrue(modules["drnet"]?.isSuperset(of: ["Training", "ArgumentParser"]) ?? false, "\(modules)")
        XCTAssertNil(modules["CommandTests"])
    }

    /// The table lists a module after all modules that it imports.
    func testModulesDependOnlyOnThoseAboveThemInTheTable() throws {
        let modules = try declaredModules()
        let table = try architecture().split(separator: "\n").filter { $0.hasPrefix("| `") }
            .flatMap { row in row.split(separator: "|")[0].split(separator: "`").map(String.init).filter { modules[$0] != nil } }
        XCTAssertEqual(Set(table), Set(modules.keys), "the table has every module")
        XCTAssertEqual(table.count, Set(table).count, "each once")
        for (index, module) in table.enumerated() {
            let local: Set<String> = modules[module]?.filter { modules[$0] != nil } ?? []
            XCTAssertTrue(
                local.isSubset(of: table[..<index]), "\(module) imports \(local.subtracting(table[..<index])), which the table has below it"
            )
        }
    }

    func testInferenceNeedsNeitherMPINorCharts() throws {
        let modules = try declaredModules()
        func reachable(_ module: String) -> Set<String> {
            (modules[module] ?? []).reduce(into: []) {
                $0.formUnion([$1])
                $0.formUnion(reachable($1))
            }
        }
        let inference = reachable("Inference")
        XCTAssertTrue(inference.isSuperset(of: ["Kernels", "COpenBLAS"]), "\(inference)")
        XCTAssertEqual(inference.intersection(["Communication", "COpenMPI", "Charts", "Evaluation", "Training"]), [])
        XCTAssertTrue(reachable("Training").isSuperset(of: ["Communication", "COpenMPI", "Charts"]), "the check can fail")
        XCTAssertEqual(reachable("Kernels").intersection(["Communication"]), [])
        XCTAssertEqual(reachable("Communication").intersection(["Kernels"]), [])
    }

    /// The package manager lets a file import every module that is built. This test allows only declared dependencies.
    func testFilesImportOnlyDeclaredDependencies() throws {
        let manifest = try PackageManifest(path: repositoryRoot + "/Package.swift")
        let names = Set(manifest.targets.flatMap { [$0.name] + $0.dependencies })
        var files = 0
        for target in manifest.targets {
            guard let enumerator = FileManager.default.enumerator(atPath: "\(repositoryRoot)/\(target.path)") else { continue }
            for case let file as String in enumerator where file.hasSuffix(".swift") {
                files += 1
                let text = try String(contentsOfFile: "\(repositoryRoot)/\(target.path)/\(file)", encoding: .utf8)
                let imports = text.split(separator: "\n").filter { $0.contains("import ") && !$0.contains("//") }
                    .compactMap { $0.split(separator: " ").last.map(String.init) }
                XCTAssertEqual(
                    Set(imports).intersection(names).subtracting(target.dependencies), [],
                    "\(target.path)/\(file) imports undeclared modules")
            }
        }
        XCTAssertGreaterThan(files, 100, "the files were found")
    }

    /// The diagram has an arrow for each declared dependency that no other path implies.
    func testTheDiagramShowsTheModulesAndDependenciesOfThePackage() throws {
        let modules = try declaredModules()
        let local: [String: Set<String>] = modules.mapValues { $0.filter { modules[$0] != nil } }
        func reachable(_ module: String) -> Set<String> {
            (local[module] ?? []).reduce(into: []) {
                $0.formUnion([$1])
                $0.formUnion(reachable($1))
            }
        }
        let arrows = local.flatMap { module, dependencies in
            dependencies.filter { dependency in !dependencies.contains { $0 != dependency && reachable($0).contains(dependency) } }
                .map { "\(module) --> \($0)" }
        }
        let diagram = try XCTUnwrap(
            architecture().components(separatedBy: "```mermaid\n").dropFirst().first?.components(separatedBy: "```").first)
        let lines = diagram.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let drawn = lines.filter { $0.contains(" --> ") }
        XCTAssertEqual(drawn.count, Set(drawn).count, "each arrow once")
        XCTAssertEqual(Set(drawn).subtracting(arrows), [], "drawn, but not declared")
        XCTAssertEqual(Set(arrows).subtracting(drawn), [], "declared, but not drawn")
        let nodes = drawn.flatMap { $0.components(separatedBy: " --> ") } + lines.filter { modules[$0] != nil }
        XCTAssertEqual(Set(nodes), Set(modules.keys))
    }
}

/// The targets that a Package.swift declares. It reads the text: to run the package manager inside of a test would wait for the build's
/// lock.
private struct PackageManifest {
    struct Target {
        var name: String
        var dependencies: [String]
        /// Relative to the package.
        var path: String
        /// A test target, or a module that only tests use.
        var isForTests: Bool
    }

    let targets: [Target]

    init(path: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n").filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }.joined(separator: "\n")
        let found = [".systemLibrary(", ".target(", ".executableTarget(", ".testTarget("].flatMap { kind in
            text.components(separatedBy: kind).dropFirst().compactMap { Self.target(kind: kind, Self.untilClosing(")", $0)) }
        }
        // A dependency can be written as .target(name:), which looks like a target without dependencies.
        targets = Dictionary(grouping: found, by: \.name).values.compactMap { $0.max { $0.dependencies.count < $1.dependencies.count } }
    }

    private static func target(kind: String, _ arguments: String) -> Target? {
        guard let name = strings(after: "name:", in: arguments).first else { return nil }
        let list = arguments.components(separatedBy: "dependencies:").dropFirst().first.map { text in
            untilClosing("]", String(text.drop { $0 != "[" }.dropFirst()))
        }
        let products = (list ?? "").components(separatedBy: ".product(").dropFirst().compactMap {
            strings(after: "name:", in: untilClosing(")", $0)).first
        }
        let plain = (list ?? "").components(separatedBy: ".product(").enumerated().map { index, part in
            index == 0 ? part : String(part.drop { $0 != ")" })
        }.joined()
        let folder = kind == ".testTarget(" ? "Tests" : "Sources"
        let path = strings(after: "path:", in: arguments).first ?? "\(folder)/\(name)"
        return Target(
            name: name, dependencies: strings(after: "", in: plain) + products, path: path,
            isForTests: path.hasPrefix("Tests/"))
    }

    /// The text up to the bracket that closes an open one.
    private static func untilClosing(_ bracket: Character, _ text: String) -> String {
        let opening: Character = bracket == ")" ? "(" : "["
        var depth = 1
        return String(
            text.prefix { character in
                if character == opening { depth += 1 }
                if character == bracket { depth -= 1 }
                return depth > 0
            })
    }

    /// The string literals after a label.
    private static func strings(after label: String, in text: String) -> [String] {
        let rest = label.isEmpty ? text : text.components(separatedBy: label).dropFirst().joined(separator: label)
        return rest.components(separatedBy: "\"").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    }
}
