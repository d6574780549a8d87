import CProcessor

/// How weights [3, 3, rows, columns] lie in Winograd's form: in groups of positions, those of one column of a tile. A group has panels of 16
/// columns, as `TiledProduct` reads them, each with a matrix [rows × 16] for every position.
///
/// A group of 64 columns of 512 × 512 channels is what fits the second-level cache; all its positions come from nine taps.
struct WinogradWeights {
    let rows: Int
    private let positions: Int

    /// - Parameter positions: of a group.
    init(rows: Int, positions: Int) {
        self.rows = rows
        self.positions = positions
    }

    /// Floats from one position's matrix to the next: a row more than it needs, so that the same element of all of them does not compete for
    /// one set of the caches.
    var positionStride: Int { (rows &+ 1) &* ColumnPanels.width }
    var panelStride: Int { positions &* positionStride }

    /// Floats of a group.
    func count(columns: Int) -> Int { ColumnPanels.count(rows: positions * (rows + 1), columns: columns) }

    /// Where an element of a group's first position lies.
    func offset(row: Int, column: Int) -> Int {
        column / ColumnPanels.width &* panelStride &+ row &* ColumnPanels.width &+ column % ColumnPanels.width
    }

    /// The matrix of one of a group's positions.
    func matrix(_ position: Int, of group: UnsafePointer<Float>) -> TiledProduct.Right {
        TiledProduct.Right(panels: group + position * positionStride, panelStride: panelStride)
    }
}

/// The transforms of weights. In two dimensions, those of one dimension are applied twice; a group needs one row of the first matrix G.
extension WinogradTransform {
    static func transformWeights(
        _ weights: UnsafePointer<Float>, rowStride: Int, tapStride: Int, columns: Int, group: Int, _ layout: WinogradWeights,
        into transformed: UnsafeMutablePointer<Float>
    ) {
        let g = weightsRow(group)
        for row in 0..<layout.rows {
            for column in stride(from: 0, to: columns, by: 8) {
                let source = weights + (row &* rowStride &+ column)
                if column % ColumnPanels.width == 0 {
                    let ahead = source + rowsAhead &* rowStride
                    for tap in 0..<9 { drnet_prefetch(ahead + tap &* tapStride) }
                }
                @inline(__always) func first(_ tap: Int) -> Channels8 {
                    let p = source + 3 &* tap &* tapStride
                    return g.0 * load(p) + g.1 * load(p + tapStride) + g.2 * load(p + 2 &* tapStride)
                }
                let result = transformed + layout.offset(row: row, column: column)
                Self.weights(first) { store($1, result + $0 &* layout.positionStride) }
            }
        }
    }

    static func addWeightsAdjoint(
        _ transformed: UnsafePointer<Float>, count: Int, positionStride: Int, group: Int, to gradient: UnsafeMutablePointer<Float>,
        tapStride: Int
    ) {
        let g = weightsRow(group)
        for offset in stride(from: 0, to: count, by: 8) {
            let (source, target) = (transformed + offset, gradient + offset)
            weightsAdjoint({ load(source + $0 &* positionStride) }) { tap, value in
                let p = target + 3 &* tap &* tapStride
                store(load(p) + g.0 * value, p)
                store(load(p + tapStride) + g.1 * value, p + tapStride)
                store(load(p + 2 &* tapStride) + g.2 * value, p + 2 &* tapStride)
            }
        }
    }

    /// The taps of the rows to come are asked for: with rows of 64 of 512 columns, none of them follows on another in memory.
    private static var rowsAhead: Int { 3 }

    /// A row of G.
    private static func weightsRow(_ row: Int) -> (Channels8, Channels8, Channels8) {
        func element(_ tap: Int) -> Channels8 {
            var element = Channels8.zero
            weights({ Channels8(repeating: $0 == tap ? 1 : 0) }, { if $0 == row { element = $1 } })
            return element
        }
        return (element(0), element(1), element(2))
    }

    @inline(__always)
    private static func load(_ p: UnsafePointer<Float>) -> Channels8 {
        UnsafeRawPointer(p).loadUnaligned(as: Channels8.self)
    }

    @inline(__always)
    private static func store(_ value: Channels8, _ p: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(p).storeBytes(of: value, as: Channels8.self)
    }
}
