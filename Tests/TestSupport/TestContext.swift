import Kernels
import NeuralNetwork

extension KernelContext {
    /// A context with one thread, for tests that do not need more.
    public static let test = KernelContext(threadCount: 1)

    /// Contexts with one thread, one for each implementation of products.
    public static let testOfEachProducts = ProductsKind.allCases.map { KernelContext(threadCount: 1, products: $0) }
}

extension Tensor {
    /// Creates a tensor on the test context.
    public convenience init(_ shape: Shape) { self.init(shape, .test) }

    /// Creates a tensor on the test context with the given elements.
    public convenience init(_ shape: Shape, _ values: [Float]) { self.init(shape, values, .test) }
}
