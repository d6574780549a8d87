import Configuration
import DynamicResolution

extension TrainingConfiguration.Estimator {
    /// The estimator that the configuration names.
    func makeEstimator() -> PolicyEstimator {
        switch self {
        case .straightThrough: return StraightThrough()
        case .dense: return Dense()
        case .expected: return Expected()
        case .probe: return Probe()
        case .regression: return Regression()
        }
    }
}
