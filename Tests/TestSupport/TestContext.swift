import Kernels
import NeuralNetwork

extension KernelContext {
    /// A context with one thread, for tests that do not need more.
    public static let test = KernelContext(threadCount: 1)

    /// Contexts with one thread, one for each implementation of products, and for each instruction set of this processor.
    public static let testOfEachProducts = testsOfEachProducts(threadCount: 1)

    /// Contexts for each implementation of products, and for each instruction set of this processor.
    public static func testsOfEachProducts(threadCount: Int) -> [KernelContext] {
        [KernelContext(threadCount: threadCount, products: .openblas)]
            + InstructionSet.available.map { KernelContext(threadCount: threadCount, products: .tiles, instructions: $0) }
    }

    /// Names the products in messages of tests, such as "tiles, AVX-512".
    public var productsLabel: String { products.kind == .tiles ? "tiles, \(instructions.title)" : "\(products.kind)" }
}

extension Tensor {
    /// Creates a tensor on the test context.
    public convenience init(_ shape: Shape) { self.init(shape, .test) }

    /// Creates a tensor on the test context with the given elements.
    public convenience init(_ shape: Shape, _ values: [Float]) { self.init(shape, values, .test) }
}
