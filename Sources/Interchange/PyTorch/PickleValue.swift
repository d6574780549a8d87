/// A value of a pickle. Values are in one flat list and refer to each other by index: containers can be shared, cyclic or nested without a
/// limit, and nothing here is recursive.
enum PickleValue {
    case none
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(String)
    case tuple([Int])
    case list([Int])
    case dictionary(PickleDictionary)
    case global(PickleGlobal)
    case storage(StorageReference)
    case tensor(PyTorchTensor)
    /// A value that has no use here: bytes, a very large integer, an element type, a device, a set.
    case other
}

struct PickleDictionary {
    /// The indices of keys and values, in order. A key can be repeated; its last value counts.
    var items: [(key: Int, value: Int)] = []
    /// Whether the attributes that follow an object are its items, as those of argparse.Namespace are.
    var takesAttributes = false
}

/// The stored elements that tensors show, as the pickle describes them.
struct StorageReference {
    /// The name of the entry with the elements, in the folder `data` of the archive.
    var key: String
    /// Nil for a type whose elements cannot be read.
    var type: ElementType?
    /// PyTorch's name of the type.
    var typeName: String
    /// The number of elements.
    var count: Int
}

/// A tensor: where its elements are in a storage.
struct PyTorchTensor {
    var storage: StorageReference
    /// The position of the first element in the storage.
    var offset: Int
    /// The size of each axis.
    var shape: [Int]
    /// The distance of neighbouring elements of each axis, in elements.
    var strides: [Int]
}

/// A class or function that a pickle names. These are all that are accepted; none of them is called.
enum PickleGlobal {
    /// An empty dictionary, or one from pairs.
    case orderedDictionary
    /// A dictionary whose items are the attributes.
    case namespace
    /// A tensor from a storage, an offset, a shape and strides.
    case tensor
    /// The first argument: a tensor in torch.nn.Parameter.
    case parameter
    /// A call of the first argument with the third: a tensor with attributes.
    case typedTensor
    /// A value without use here.
    case ignored
    /// The element type of a storage.
    case storage(ElementType?, String)

    /// - Returns: nil for any other name.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("argparse", "Namespace"): self = .namespace
        case ("torch._utils", "_rebuild_tensor_v2"): self = .tensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"): self = .parameter
        case ("torch._tensor", "_rebuild_from_type_v2"): self = .typedTensor
        case ("torch", "Size"), ("torch", "device"), ("torch", "Tensor"), ("torch.nn.parameter", "Parameter"): self = .ignored
        case ("torch", _):
            if let type = Self.storages[name] {
                self = .storage(type, name)
            } else if Self.unreadable.contains(name) {
                self = .storage(nil, name)
            } else if Self.elementTypes.contains(name) {
                self = .ignored
            } else {
                return nil
            }
        default: return nil
        }
    }

    private static let storages: [String: ElementType] = [
        "FloatStorage": .f32, "DoubleStorage": .f64, "HalfStorage": .f16, "BFloat16Storage": .bf16, "LongStorage": .i64,
        "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8, "ByteStorage": .u8, "BoolStorage": .bool,
    ]

    /// Storages whose elements are no real numbers.
    private static let unreadable: Set<String> = ["ComplexFloatStorage", "ComplexDoubleStorage"]

    private static let elementTypes: Set<String> = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
    ]
}
