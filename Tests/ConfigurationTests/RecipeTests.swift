import Foundation
import TestSupport
import XCTest

@testable import Configuration

final class RecipeTests: XCTestCase {
    private let short = """
        recipe: fine-tune-small
        resolutions: [96, 64]
        data: {folder: photos}
        classifier: {architecture: resnet18, pretrained: weights}
        """

    private func load(_ text: String, _ overrides: String...) throws -> TrainingConfiguration {
        try TrainingConfiguration.load(text: text, path: "run.yaml", overrides: overrides)
    }

    func testARecipeFillsInAllItsKeys() throws {
        for recipe in Recipe.allCases {
            let configuration = try load(short.replacingOccurrences(of: "fine-tune-small", with: recipe.rawValue))
            XCTAssertEqual(configuration.recipe, recipe)
            for (key, value) in recipe.values {
                let resolved = try XCTUnwrap(configuration.values[key], "\(key) is no key of the configuration")
                XCTAssertEqual(Double(resolved).map { "\($0)" } ?? resolved, Double(value).map { "\($0)" } ?? value, key)
            }
        }
    }

    func testTheFileAndTheCommandLineComeFirst() throws {
        let configuration = try load(
            short + "\noptimizer: {batchSize: 64, emaDecay: 0}\nstages: {warmUp: null, fineTune: {epochs: 3, learningRate: {base: 0.1}}}",
            "optimizer.layerDecay=1")
        XCTAssertEqual(configuration.optimizer.batchSize, 64)
        XCTAssertEqual(configuration.optimizer.emaDecay, 0)
        XCTAssertEqual(configuration.optimizer.layerDecay, 1)
        XCTAssertEqual(configuration.optimizer.kind, .adamW)
        XCTAssertNil(configuration.stages.warmUp, "a removed stage stays removed")
        XCTAssertEqual(configuration.stages.fineTune?.epochs, 3)
        let shorter = try load(short, "stages.warmUp.epochs=3", "stages.warmUp.learningRate.base=0.25")
        XCTAssertEqual(shorter.stages.warmUp?.epochs, 3)
        XCTAssertEqual(shorter.stages.warmUp?.learningRate.base, 0.25)
        XCTAssertEqual(shorter.stages.warmUp?.learningRate.warmUpEpochs, 1)
        XCTAssertEqual(shorter.decider, .cascade(.threshold))
        XCTAssertEqual(try load(short, "recipe=null", "optimizer.batchSize=4", "stages.recalibrate={}").optimizer.kind, .sgd)
    }

    func testTheResolvedTextShowsTheExpansionAndLoadsToTheSame() throws {
        for overrides in [[], ["stages.fineTune=null"], ["optimizer.kind=sgd", "optimizer.weightDecay=0"]] {
            let configuration = try TrainingConfiguration.load(text: short, path: "run.yaml", overrides: overrides)
            let text = configuration.yaml()
            XCTAssertTrue(text.contains("recipe: \"fine-tune-small\"\n") && text.contains("\n  layerDecay: 0.9\n"), text)
            XCTAssertEqual(try load(text), configuration)
        }
    }

    func testTheTableInTheDocumentationIsTheRecipe() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/docs/configuration.md", encoding: .utf8)
        for recipe in Recipe.allCases {
            let rows = text.split(separator: "\n").filter { $0.hasPrefix("| \(recipe.rawValue) |") }.map { line in
                line.split(separator: "|").dropFirst().map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
            }
            XCTAssertEqual(rows.map { "\($0[0]): \($0[1])" }, recipe.values.map { "\($0.key): \($0.value)" }, recipe.rawValue)
        }
    }
}
