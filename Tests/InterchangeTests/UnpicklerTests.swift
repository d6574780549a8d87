import TestSupport
import XCTest

@testable import Interchange

/// Pickles that torch.save does not write: those that would run code in Python, and those that mislead or exhaust a reader.
final class UnpicklerTests: XCTestCase {
    // MARK: - Pieces of pickles

    private func text(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }
    private func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    private func tuple(_ parts: [[UInt8]]) -> [UInt8] { [0x28] + parts.joined() + [0x74] }
    private func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + ZipBuilder.number(value, 8) }

    private func storage(_ key: String = "0", type: String = "FloatStorage", count: Int = 4) -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), integer(count)]) + [0x51]
    }

    private func tensor(_ storage: [UInt8]? = nil, offset: Int = 0, shape: [Int] = [2, 2], strides: [Int] = [2, 1]) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([storage ?? self.storage(), integer(offset), tuple(shape.map(integer)), tuple(strides.map(integer)), [0x89], [0x7D]])
            + [0x52]
    }

    /// A dictionary with one item.
    private func dictionary(_ key: String, _ value: [UInt8]) -> [UInt8] { [0x7D] + text(key) + value + [0x73] }

    private func open(_ pickle: [UInt8], storages: [String: [UInt8]] = ["0": [UInt8](repeating: 0, count: 16)]) throws -> PyTorchFile {
        try PyTorchFile(Data(ZipBuilder.checkpoint([0x80, 2] + pickle + [0x2E], storages: storages)), path: "w.pth")
    }

    private func check(_ pickle: [UInt8], _ expected: String, line: UInt = #line) {
        XCTAssertThrowsError(try open(pickle), line: line) {
            XCTAssertTrue("\($0)".hasPrefix("w.pth: ") && "\($0)".contains(expected), "\($0)", line: line)
        }
    }

    // MARK: - Tests

    func testAWellFormedPickleIsRead() throws {
        let values: [Float] = [1, 2, 3, 4]
        let storage = values.flatMap { ZipBuilder.number(Int($0.bitPattern), 4) }
        let file = try open(dictionary("x", tensor(strides: [1, 2])), storages: ["0": storage])
        XCTAssertEqual(try file.floats(of: "x"), [1, 3, 2, 4])
        XCTAssertEqual(try open(tensor()).names, ["tensor"])
        XCTAssertEqual(try open(dictionary("a", dictionary("b", tensor()))).names, ["a.b"])
        // The last of equal keys counts, as in Python.
        let twice = [0x7D] + text("x") + tensor(shape: [4], strides: [1]) + [0x73] + text("x") + tensor() + [0x73]
        XCTAssertEqual(try open(twice).shape(of: "x"), [2, 2])
    }

    /// Each of these runs a program in Python's pickle.
    func testNothingIsExecuted() {
        let command = tuple([text("touch /tmp/executed")]) + [0x52]
        for (module, name) in [
            ("os", "system"), ("posix", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("__builtin__", "exec"),
            ("builtins", "getattr"), ("torch", "load"), ("torch.storage", "_load_from_bytes"), ("torch.hub", "load"), ("torch", "os"),
            ("torch._utils", "_rebuild_tensor"), ("collections", "OrderedDict.__reduce__"), ("argparse", "FileType"), ("", ""),
        ] {
            check(global(module, name) + command, "has an object of \(module).\(name). Only tensors")
            check(text(module) + text(name) + [0x93] + command, "has an object of \(module).\(name). Only tensors")
        }
        // Older operations that make objects: INST, OBJ, EXT1, PERSID.
        for code: UInt8 in [0x69, 0x6F, 0x82, 0x50] {
            check([0x28, code], "the operation \(code) at byte 3 is not one that torch.save writes")
        }
        XCTAssertFalse(FileManager.default.fileExists(atPath: "/tmp/executed"))
        // What is not a name in the list is not called.
        check(text("os.system") + command, "calls a value that is no function")
        check(tensor() + tuple([]) + [0x52], "calls a value that is no function")
    }

    func testTensorsStayInsideOfTheirStorage() {
        let outside = "reaches outside of its storage of 4 elements"
        check(tensor(offset: 1), outside)
        check(tensor(shape: [2, 3]), outside)
        check(tensor(strides: [3, 1]), outside)
        check(tensor(shape: [1 << 40], strides: [1]), outside)
        check(tensor(offset: Int.max, shape: [1], strides: [1]), outside)
        check(tensor(offset: -1), "a tensor has the offset -1")
        check(tensor(strides: [-2, 1]), "the strides [-2, 1]")
        check(tensor(shape: [-2, 2]), "the shape [-2, 2]")
        check(tensor(shape: [2], strides: [2, 1]), "the strides [2, 1]")
        check(tensor(shape: [3, 3], strides: [Int.max, Int.max]), "the strides [\(Int.max), \(Int.max)]")
        check(tensor(shape: [2, 2], strides: [Int.max, 1]), "the strides")
        // An expanded tensor needs no bytes of the file.
        check(tensor(shape: [1 << 40], strides: [0]), "repeats its 4 stored elements")
        check(tensor(shape: [1 << 31, 1 << 31], strides: [0, 0]), "repeats its 4 stored elements")
        check(tensor(shape: [1 << 40, 1 << 40], strides: [0, 0]), "a tensor has the shape [1099511627776, 1099511627776]")
        XCTAssertEqual(try open(tensor(offset: 3, shape: [0, 1 << 60], strides: [1, 1])).floats(of: "tensor"), [])
        check(tensor(shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65)), "a shape is no tuple of numbers")
    }

    func testStoragesAreInTheArchive() {
        check(tensor(storage(count: 5)), "the storage 0 of tensor has 16 bytes, not the 5 elements of its pickle")
        check(tensor(storage(count: Int.max), shape: [1], strides: [1]), "not the \(Int.max) elements of its pickle")
        check(tensor(storage(count: -1), shape: [0], strides: [1]), "the description of a storage is not one that torch.save writes")
        check(tensor(storage("1")), "it has no entry w/data/1")
        for key in ["../0", "/etc/passwd", "../../../../../../etc/passwd", ""] {
            check(tensor(storage(key)), "it has no entry w/data/\(key)")
        }
        check(tensor(storage(type: "UntypedStorage")), "has an object of torch.UntypedStorage")
        check(tensor(integer(1)), "a tensor is not described as torch.save does")
    }

    func testContainersHaveLimits() {
        // A list in a list in a list, 100,000 times.
        check([UInt8](repeating: 0x5D, count: 100_000) + [UInt8](repeating: 0x61, count: 99_999), "nested more than 32 times")
        let tuples = [0x5D] + [UInt8](repeating: 0x85, count: 100_000)
        check(tuples, "nested more than 32 times")
        // A list that contains itself.
        check([0x5D, 0x71, 0, 0x68, 0, 0x61], "or contain themselves")
        check([0x7D, 0x71, 0] + text("x") + [0x68, 0, 0x73], "or contain themselves")
        // 30 lists, each with the one before it ten times.
        var bomb: [UInt8] = tensor() + [0x71, 0]
        for level: UInt8 in 0..<30 {
            bomb +=
                [0x5D, 0x28] + [UInt8](repeating: 0x68, count: 20).enumerated().map { $0.offset % 2 == 0 ? 0x68 : level } + [
                    0x65, 0x71, level + 1,
                ]
        }
        check(bomb, "its containers have more than 100000 items")
        // Long names in place of many items.
        let name: [UInt8] = [0x58] + ZipBuilder.number(1 << 16, 4) + [UInt8](repeating: 0x61, count: 1 << 16) + [0x71, 0]
        var names =
            name + tensor() + [0x71, 1, 0x5D, 0x28] + (0..<500).flatMap { _ -> [UInt8] in [0x7D, 0x68, 0, 0x68, 1, 0x73] } + [0x65]
        check(names, "its names are longer than 16 MiB")
        names = [UInt8](repeating: 0x4E, count: 1_000_001)
        check(names, "its pickle has more than 1000000 values")
        check([0x4E] + [UInt8](repeating: 0x94, count: 1_000_001), "its pickle has more than 1000000 values")
    }

    /// Few bytes that make many items: without a limit, each of these takes all memory or hours.
    func testCopiesOfContainersHaveALimit() {
        // A namespace whose attributes are itself, again and again: the items double.
        let namespace = global("argparse", "Namespace") + [0x29, 0x52, 0x71, 0]
        let doubled = namespace + [0x7D] + text("x") + [0x4E, 0x73, 0x62] + (0..<60).flatMap { _ -> [UInt8] in [0x68, 0, 0x62] }
        check(doubled, "its pickle copies more than 1000000 items of containers")
        // A long list of pairs, of which many dictionaries are made.
        let pair = tuple([text("x"), [0x4E]]) + [0x71, 0]
        let list = pair + [0x30, 0x5D, 0x28] + (0..<200_000).flatMap { _ -> [UInt8] in [0x68, 0] } + [0x65, 0x71, 1]
        let makes =
            global("collections", "OrderedDict") + [0x71, 2] + (0..<100).flatMap { _ -> [UInt8] in [0x68, 2, 0x68, 1, 0x85, 0x52, 0x30] }
        check(list + makes, "its pickle copies more than 1000000 items of containers")
        // A long list without tensors, which a container has many times.
        let losses: [UInt8] = [0x5D, 0x28] + [UInt8](repeating: 0x4E, count: 200_000) + [0x65, 0x71, 0]
        check(
            losses + [0x5D, 0x28] + (0..<100).flatMap { _ -> [UInt8] in [0x68, 0] } + [0x65], "its containers have more than 5000000 items")
    }

    func testAnEmptyTensorOfAnEnormousShapeIsRefused() throws {
        check(tensor(shape: [1 << 62, 4, 0], strides: [1, 1, 1]), "a tensor has the shape [4611686018427387904, 4, 0]")
        XCTAssertEqual(try open(tensor(shape: [3, 0], strides: [1, 1])).floats(of: "tensor"), [])
    }

    func testSizesAreCheckedBeforeTheyAreUsed() {
        for code: UInt8 in [0x58, 0x54, 0x42, 0x8B] { check([code] + ZipBuilder.number(0xFFFF_FFFF, 4), "its pickle ends too early") }
        for code: UInt8 in [0x8D, 0x8E, 0x96] {
            check([code] + ZipBuilder.number(Int.max, 8), "its pickle ends too early")
            check([code] + [UInt8](repeating: 0xFF, count: 8), "its pickle ends too early")
        }
        check([0x8A, 255], "its pickle ends too early")
        // A number of 200 bytes is no size.
        check(
            tensor(shape: [], strides: []) + [0x30, 0x8A, 200] + [UInt8](repeating: 1, count: 200) + [0x61],
            "takes a value from an empty stack")
        check([0x72] + ZipBuilder.number(0xFFFF_FFFF, 4), "takes a value from an empty stack")
        XCTAssertNoThrow(try open(tensor() + [0x72] + ZipBuilder.number(0xFFFF_FFFF, 4)))
        check([0x6A] + ZipBuilder.number(7, 4), "refers to a value that it does not have")
        check([0x63] + Array("os".utf8), "its pickle ends too early")
        check([0x8C, 2, 0xC3, 0x28], "a text of its pickle is not UTF-8")
    }

    func testOperationsOnWrongValuesAreRefused() {
        check([], "takes a value from an empty stack")
        check([0x74], "has no mark where it needs one")
        check([0x28, 0x85], "takes a value from an empty stack")
        check([0x4E, 0x4E, 0x61], "appends to a value that is no list")
        check([0x4E, 0x28, 0x4E, 0x4E, 0x75], "sets an item of a value that is no dictionary")
        check([0x7D, 0x28, 0x4E, 0x75], "sets an item of a value that is no dictionary")
        check([0x4E, 0x4E, 0x62], "sets attributes of a value that has none")
        check([0x4E, 0x51], "the description of a storage is not one that torch.save writes")
        check(global("torch", "FloatStorage") + [0x4E, 0x52], "the arguments of a call are no tuple")
        check(global("collections", "OrderedDict") + tuple([integer(1)]) + [0x52], "is not made of a list")
        check([0x80, 0], "the protocol 0, not 2 to 5")
        check([0x5D], "has no tensors")
    }

    /// A tensor with attributes, of a class that is known.
    func testTensorsWithAttributesAreRead() throws {
        let arguments = tuple([storage(), integer(0), tuple([integer(4)]), tuple([integer(1)]), [0x89], [0x7D]])
        let typed =
            global("torch._tensor", "_rebuild_from_type_v2")
            + tuple([global("torch._utils", "_rebuild_tensor_v2"), global("torch", "Tensor"), arguments, [0x7D]]) + [0x52]
        XCTAssertEqual(try open(dictionary("x", typed)).shape(of: "x"), [4])
        check(
            global("torch._tensor", "_rebuild_from_type_v2")
                + tuple([global("collections", "OrderedDict"), global("torch", "Tensor"), arguments, [0x7D]]) + [0x52],
            "a tensor of another type is not made of a storage")
    }
}
