/// The unit of the costs that decisions weigh.
public enum CostUnit: String, Codable, Sendable {
    /// Multiply-adds of the networks, counted from their layers.
    case multiplyAdds
    /// Measured times (`policy.cost`).
    case milliseconds
}
