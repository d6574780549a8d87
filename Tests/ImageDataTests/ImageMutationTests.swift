import Foundation
import TestSupport
import XCTest

@testable import ImageData
@testable import Randomness

/// Decodes random changes of all fixtures. Each either decodes, or is rejected with an error that names the file. Nothing traps, and no
/// file takes much memory.
final class ImageMutationTests: XCTestCase {
    private static let mutations = 20_000
    /// A fixture has at most 630 pixels. A changed header can claim more.
    private static let memoryLimit = 700 << 20

    func testMutatedFilesAreDecodedOrRejectedByName() throws {
        let folder = repositoryRoot + "/Tests/Fixtures/images"
        let names = ["", "/variants"].flatMap { part in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder + part)) ?? []).sorted().map { folder + part + "/" + $0 }
        }.filter { !$0.hasSuffix(".ppm") && $0.contains(".") }
        let files = try names.map { try FileBytes.read(FileSystemPath($0)) }
        XCTAssertGreaterThan(files.count, 80)
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        var (decoded, rejected) = (0, 0)
        for number in 0..<Self.mutations {
            var random = CounterRandom(seed: 16, purpose: .augmentation, sample: number)
            let file = Self.mutate(files[random.integer(below: files.count)], &random)
            do {
                let image = try ImageDecoder.decode(file, path: "some/file").image
                XCTAssertEqual(image.pixels.count, image.width * image.height * 3)
                decoded += 1
            } catch {
                XCTAssertTrue("\(error)".hasPrefix("some/file: "), "mutation \(number): \(error)")
                XCTAssertFalse("\(error)".contains("()"), "mutation \(number) has no reason: \(error)")
                rejected += 1
            }
        }
        XCTAssertGreaterThan(decoded, Self.mutations / 20)
        XCTAssertGreaterThan(rejected, Self.mutations / 5)
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let peak = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }.flatMap { Int($0.filter(\.isNumber)) })
        XCTAssertLessThan(peak << 10, Self.memoryLimit)
    }

    /// Changes, inserts or removes some bytes, or cuts the file.
    private static func mutate(_ file: [UInt8], _ random: inout CounterRandom) -> [UInt8] {
        var file = file
        for _ in 0...random.integer(below: 3) {
            // Headers are more interesting than pixels.
            let reach = random.integer(below: 2) == 0 ? min(file.count, 80) : file.count
            let place = random.integer(below: max(1, reach))
            switch random.integer(below: 5) {
            case 0 where !file.isEmpty: file[place] ^= 1 << UInt8(random.integer(below: 8))
            case 1 where !file.isEmpty: file[place] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][random.integer(below: 6)]
            case 2: file.removeSubrange(place..<min(file.count, place + 1 + random.integer(below: 8)))
            case 3: file.insert(contentsOf: (0...random.integer(below: 4)).map { _ in UInt8(random.integer(below: 256)) }, at: place)
            default: file = Array(file.prefix(place + 1))
            }
        }
        return file
    }

    func testMutatedEXIFDataIsReadWithinItsBounds() {
        let upright: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        XCTAssertEqual(TIFFDirectory.orientation(upright[...]), 6)
        for number in 0..<20_000 {
            var random = CounterRandom(seed: 17, purpose: .augmentation, sample: number)
            let data = Self.mutate(upright, &random)
            let value = EXIFOrientation(exif: data[...], xmp: data[...]).value
            XCTAssertTrue((1...8).contains(value))
        }
    }
}
