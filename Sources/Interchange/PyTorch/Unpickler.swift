import Foundation

/// Reads a pickle as torch.save writes it, protocols 2 to 5. Nothing is executed: a class or function is a name in a short list
/// (`PickleGlobal`), and calls of these are read as data. https://docs.python.org/3/library/pickletools.html
///
/// Each operation of the pickle makes one value at most, and no size in the pickle is trusted before its bytes are found.
struct Unpickler {
    private(set) var values: [PickleValue] = []
    private let bytes: LittleEndianBytes
    private var position = 0
    private var stack: [Int] = []
    /// The heights of the stack at the marks.
    private var marks: [Int] = []
    private var memo: [Int: Int] = [:]
    /// The items that calls and attributes copied from one container to another.
    private var copiedItems = 0

    /// Values are limited, because each takes more memory than its operation: a million are some 100 MB. A checkpoint of a ResNet-152 with
    /// the state of its optimiser has about 30,000.
    private static let maximumValues = 1_000_000

    /// Calls can copy a container again and again, even into itself, so that a few bytes make items without an end.
    private static let maximumCopiedItems = 1_000_000

    /// - Parameter data: the pickle. The first index is 0.
    init(_ data: Data) {
        bytes = LittleEndianBytes(data: data)
    }

    /// Reads the pickle.
    ///
    /// - Returns: the index of the result in `values`.
    /// - Throws: `PickleProblem`.
    mutating func load() throws -> Int {
        while true {
            let code = try byte()
            if code == UInt8(ascii: ".") { return try pop() }
            guard values.count < Self.maximumValues, memo.count < Self.maximumValues else {
                throw malformed("its pickle has more than \(Self.maximumValues) values")
            }
            if try readConstant(code) || readContainer(code) || readObject(code) || readMemo(code) { continue }
            throw malformed("the operation \(code) at byte \(position - 1) is not one that torch.save writes")
        }
    }

    // MARK: - Operations

    /// Numbers, texts and other constants.
    private mutating func readConstant(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "N"): push(.none)
        case 0x88, 0x89: push(.boolean(code == 0x88))
        case UInt8(ascii: "K"): push(.integer(try number(1)))
        case UInt8(ascii: "M"): push(.integer(try number(2)))
        case UInt8(ascii: "J"): push(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
        case UInt8(ascii: "G"):
            var bits: UInt64 = 0
            for _ in 0..<8 { bits = bits << 8 | UInt64(try byte()) }
            push(.float(Double(bitPattern: bits)))
        case 0x8A: try pushInteger(size: try number(1))
        case 0x8B: try pushInteger(size: try number(4))
        case UInt8(ascii: "X"): push(.text(try text(try number(4))))
        case 0x8C: push(.text(try text(try number(1))))
        case 0x8D: push(.text(try text(try number(8))))
        case UInt8(ascii: "U"), UInt8(ascii: "C"): try pushBytes(try number(1))
        case UInt8(ascii: "T"), UInt8(ascii: "B"): try pushBytes(try number(4))
        case 0x8E, 0x96: try pushBytes(try number(8))
        default: return false
        }
        return true
    }

    /// Tuples, lists, dictionaries, sets, and the marks that separate their elements.
    private mutating func readContainer(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: ")"): push(.tuple([]))
        case UInt8(ascii: "t"): push(.tuple(try popMarked()))
        case 0x85, 0x86, 0x87: push(.tuple(try popTuple(Int(code) - 0x84)))
        case UInt8(ascii: "]"): push(.list([]))
        case UInt8(ascii: "a"): try append([try pop()])
        case UInt8(ascii: "e"): try append(try popMarked())
        case UInt8(ascii: "}"): push(.dictionary(PickleDictionary()))
        case UInt8(ascii: "s"):
            let value = try pop()
            try setItems([try pop(), value])
        case UInt8(ascii: "u"): try setItems(try popMarked())
        case 0x8F: push(.other)
        case 0x90: _ = try popMarked()
        case 0x91:
            _ = try popMarked()
            push(.other)
        default: return false
        }
        return true
    }

    /// Classes, calls, attributes, and storages, which torch.save writes outside of the pickle.
    private mutating func readObject(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "c"):
            let module = try line()
            push(.global(try global(module, try line())))
        case 0x93:
            let (name, module) = (try pop(), try pop())
            guard case .text(let module) = values[module], case .text(let name) = values[name] else {
                throw malformed("the name of a class is no text")
            }
            push(.global(try global(module, name)))
        case UInt8(ascii: "R"), 0x81:
            let arguments = try popArguments()
            let callee = try pop()
            stack.append(try call(callee, arguments))
        case UInt8(ascii: "b"):
            let attributes = try pop()
            try setAttributes(attributes)
        case UInt8(ascii: "Q"): push(.storage(try storage(try pop())))
        default: return false
        }
        return true
    }

    /// The protocol, and values that are used again.
    private mutating func readMemo(_ code: UInt8) throws -> Bool {
        switch code {
        case 0x80:
            let version = try number(1)
            guard (2...5).contains(version) else { throw malformed("its pickle has the protocol \(version), not 2 to 5") }
        case 0x95: _ = try number(8)
        case UInt8(ascii: "q"): memo[try number(1)] = try top()
        case UInt8(ascii: "r"): memo[try number(4)] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): try recall(try number(1))
        case UInt8(ascii: "j"): try recall(try number(4))
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popMarked()
        case UInt8(ascii: "2"): stack.append(try top())
        default: return false
        }
        return true
    }

    private mutating func recall(_ key: Int) throws {
        guard let value = memo[key] else { throw malformed("its pickle refers to a value that it does not have") }
        stack.append(value)
    }

    // MARK: - Bytes

    private func malformed(_ reason: String) -> PickleProblem { .malformed(reason) }

    private mutating func byte() throws -> UInt8 { UInt8(truncatingIfNeeded: try number(1)) }

    private mutating func number(_ size: Int) throws -> Int {
        guard let number = bytes.number(at: position, size: size) else { throw malformed("its pickle ends too early") }
        position += size
        return number
    }

    private mutating func skip(_ count: Int) throws {
        guard count >= 0, count <= bytes.count - position else { throw malformed("its pickle ends too early") }
        position += count
    }

    private mutating func text(_ count: Int) throws -> String {
        let start = position
        try skip(count)
        guard let text = bytes.text(at: start, count: count) else { throw malformed("a text of its pickle is not UTF-8") }
        return text
    }

    private mutating func line() throws -> String {
        let start = position
        while try byte() != 10 {}
        guard let text = bytes.text(at: start, count: position - 1 - start) else { throw malformed("a name of its pickle is not UTF-8") }
        return text
    }

    private mutating func pushBytes(_ count: Int) throws {
        try skip(count)
        push(.other)
    }

    /// An integer of any size, little-endian, in two's complement.
    private mutating func pushInteger(size: Int) throws {
        let start = position
        try skip(size)
        guard size <= 8 else { return push(.other) }
        var bits: UInt64 = 0
        for index in 0..<size { bits |= UInt64(bytes.data[start + index]) << (8 * UInt64(index)) }
        let unused = UInt64(64 - 8 * size)
        push(.integer(size == 0 ? 0 : Int(Int64(bitPattern: bits << unused) >> Int64(unused))))
    }

    // MARK: - Stack

    private mutating func push(_ value: PickleValue) {
        stack.append(values.count)
        values.append(value)
    }

    private func top() throws -> Int {
        guard let top = stack.last, stack.count > marks.last ?? 0 else { throw malformed("its pickle takes a value from an empty stack") }
        return top
    }

    private mutating func pop() throws -> Int {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func popTuple(_ count: Int) throws -> [Int] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("its pickle takes a value from an empty stack") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    /// Removes the last mark and the values above it.
    private mutating func popMarked() throws -> [Int] {
        guard let height = marks.popLast() else { throw malformed("its pickle has no mark where it needs one") }
        defer { stack.removeSubrange(height...) }
        return Array(stack[height...])
    }

    private mutating func popArguments() throws -> [Int] {
        guard case .tuple(let arguments) = values[try pop()] else { throw malformed("the arguments of a call are no tuple") }
        return arguments
    }

    // MARK: - Containers

    private mutating func countCopies(_ count: Int) throws {
        copiedItems += count
        guard copiedItems <= Self.maximumCopiedItems else {
            throw malformed("its pickle copies more than \(Self.maximumCopiedItems) items of containers")
        }
    }

    private mutating func append(_ items: [Int]) throws {
        let index = try top()
        guard case .list(var list) = values[index] else { throw malformed("its pickle appends to a value that is no list") }
        // The list is taken out first. Otherwise each change would copy it.
        values[index] = .none
        list += items
        values[index] = .list(list)
    }

    /// - Parameter items: keys and values in turn.
    private mutating func setItems(_ items: [Int]) throws {
        let index = try top()
        guard case .dictionary(var dictionary) = values[index], items.count % 2 == 0 else {
            throw malformed("its pickle sets an item of a value that is no dictionary")
        }
        values[index] = .none
        for item in stride(from: 0, to: items.count, by: 2) { dictionary.items.append((items[item], items[item + 1])) }
        values[index] = .dictionary(dictionary)
    }

    /// The attributes of a dictionary are PyTorch's metadata (versions of modules). Those of a tensor have no use here, either.
    private mutating func setAttributes(_ attributes: Int) throws {
        let index = try top()
        switch values[index] {
        case .dictionary(var dictionary):
            guard dictionary.takesAttributes else { return }
            guard case .dictionary(let state) = values[attributes] else { throw malformed("attributes are no dictionary") }
            try countCopies(state.items.count)
            values[index] = .none
            dictionary.items += state.items
            values[index] = .dictionary(dictionary)
        case .tensor, .other: return
        default: throw malformed("its pickle sets attributes of a value that has none")
        }
    }
}

// MARK: - Objects

extension Unpickler {
    private func global(_ module: String, _ name: String) throws -> PickleGlobal {
        guard let global = PickleGlobal(module: module, name: name) else { throw PickleProblem.object("\(module).\(name)") }
        return global
    }

    /// Reads a call as data. Returns the index of the result.
    private mutating func call(_ callee: Int, _ arguments: [Int]) throws -> Int {
        guard case .global(let global) = values[callee] else { throw malformed("its pickle calls a value that is no function") }
        switch global {
        case .orderedDictionary: return add(.dictionary(PickleDictionary(items: try pairs(arguments))))
        case .namespace: return add(.dictionary(PickleDictionary(takesAttributes: true)))
        case .tensor: return add(.tensor(try tensor(arguments)))
        case .parameter:
            guard let first = arguments.first, case .tensor = values[first] else { throw malformed("a parameter has no tensor") }
            return first
        case .typedTensor:
            guard arguments.count > 2, case .global(let inner) = values[arguments[0]], case .tuple(let own) = values[arguments[2]] else {
                throw malformed("a tensor of another type has no tensor")
            }
            guard case .tensor = inner else { throw malformed("a tensor of another type is not made of a storage") }
            return add(.tensor(try tensor(own)))
        case .ignored, .storage: return add(.other)
        }
    }

    private mutating func add(_ value: PickleValue) -> Int {
        values.append(value)
        return values.count - 1
    }

    /// The items of collections.OrderedDict([(key, value), …]), which has no arguments otherwise.
    private mutating func pairs(_ arguments: [Int]) throws -> [(key: Int, value: Int)] {
        guard let first = arguments.first else { return [] }
        guard case .list(let list) = values[first] else { throw malformed("an ordered dictionary is not made of a list") }
        try countCopies(list.count)
        return try list.map { index in
            switch values[index] {
            case .tuple(let pair) where pair.count == 2: return (pair[0], pair[1])
            case .list(let pair) where pair.count == 2: return (pair[0], pair[1])
            default: throw malformed("an ordered dictionary is not made of pairs")
            }
        }
    }

    /// ("storage", type, key, location, number of elements).
    private func storage(_ identifier: Int) throws -> StorageReference {
        guard case .tuple(let parts) = values[identifier], parts.count == 5, case .text("storage") = values[parts[0]],
            case .global(.storage(let type, let name)) = values[parts[1]], case .text(let key) = values[parts[2]],
            case .integer(let count) = values[parts[4]], count >= 0
        else { throw malformed("the description of a storage is not one that torch.save writes") }
        return StorageReference(key: key, type: type, typeName: name, count: count)
    }

    /// (storage, offset, shape, strides, …): every element must be inside of the storage.
    private func tensor(_ arguments: [Int]) throws -> PyTorchTensor {
        guard arguments.count >= 4, case .storage(let storage) = values[arguments[0]], case .integer(let offset) = values[arguments[1]]
        else { throw malformed("a tensor is not described as torch.save does") }
        let (shape, strides) = (try integers(arguments[2]), try integers(arguments[3]))
        guard shape.count == strides.count, offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
            throw malformed("a tensor has the offset \(offset), the shape \(shape) and the strides \(strides)")
        }
        let (_, isTooLarge) = shape.reduce((1, false)) { product, extent in
            let (next, overflow) = product.0.multipliedReportingOverflow(by: max(extent, 1))
            return (next, product.1 || overflow)
        }
        guard !isTooLarge else { throw malformed("a tensor has the shape \(shape)") }
        var last = offset
        for (extent, stride) in zip(shape, strides) where !shape.contains(0) {
            let (distance, isLarge) = (extent - 1).multipliedReportingOverflow(by: stride)
            let (sum, isLarger) = last.addingReportingOverflow(distance)
            guard !isLarge, !isLarger else { throw malformed("a tensor has the shape \(shape) and the strides \(strides)") }
            last = sum
        }
        guard shape.contains(0) || last < storage.count else {
            throw malformed(
                "a tensor of the shape \(shape), the strides \(strides) and the offset \(offset) reaches outside of its storage of "
                    + "\(storage.count) elements")
        }
        return PyTorchTensor(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private func integers(_ index: Int) throws -> [Int] {
        guard case .tuple(let parts) = values[index], parts.count <= 64 else { throw malformed("a shape is no tuple of numbers") }
        return try parts.map {
            guard case .integer(let number) = values[$0] else { throw malformed("a shape is no tuple of numbers") }
            return number
        }
    }
}
