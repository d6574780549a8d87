/// The memory layout of a packed matrix [depth × columns]: panels of `panelWidth` columns, stored as [panel, depth, panelWidth] in words of
/// 32 bits. The last panel is padded with zeros. A plain matrix is one panel of all columns.
///
/// Packed weights can be reused wherever the layout is equal.
public struct PackedLayout: Hashable, Sendable {
    /// What a word is.
    public let element: PanelElement
    /// Rows of the matrix.
    public let depth: Int
    /// Columns of the matrix, without padding.
    public let columns: Int
    /// Columns per panel.
    public let panelWidth: Int
    /// Words from one panel to the next.
    public let panelStride: Int
    /// Rows of words.
    let wordRows: Int

    /// Creates a layout.
    ///
    /// - Parameters:
    ///   - element: what a word is.
    ///   - depth: rows of the packed matrix, over which products are summed.
    ///   - columns: of the packed matrix.
    ///   - panelWidth: columns of a panel.
    ///   - panelStride: words from one panel to the next; nil if panels are contiguous.
    public init(_ element: PanelElement = .float32, depth: Int, columns: Int, panelWidth: Int, panelStride: Int? = nil) {
        self.element = element
        self.depth = depth
        self.columns = columns
        self.panelWidth = panelWidth
        wordRows = element.words(depth)
        self.panelStride = panelStride ?? wordRows * panelWidth
    }

    var panelCount: Int { (columns + panelWidth - 1) / panelWidth }
    /// The size of all panels in bytes.
    public var byteCount: Int { panelCount * panelStride * MemoryLayout<Float>.stride }
}

extension PackedLayout {
    /// packed ← `matrix` [depth × columns]. Runs in parallel over panels, or over rows if there is only one panel.
    func pack(_ matrix: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer, _ threads: ThreadPool) {
        let panels = packed.assumingMemoryBound(to: Float.self)
        let rowsOfTask = panelCount > 1 ? max(wordRows, 1) : Self.rowsOfTask
        threads.forEachBand(images: panelCount, rows: wordRows, bandRows: rowsOfTask) { panel, rows in
            let target = panels + panel * panelStride
            let present = min(panelWidth, columns - panel * panelWidth)
            for row in rows {
                let result = target + row &* panelWidth
                let first = row &* element.rowsPerWord
                element.pack(
                    rows: matrix + (first &* columns &+ panel &* panelWidth), leading: columns,
                    count: min(element.rowsPerWord, depth &- first), columns: present, into: result, leading: panelWidth)
                (result + present).update(repeating: 0, count: panelWidth - present)
            }
        }
    }

    /// packed ← the transpose of `matrix` [columns × depth].
    func pack(transposing matrix: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer, _ threads: ThreadPool) {
        let panels = packed.assumingMemoryBound(to: Float.self)
        // A panel can be as wide as the matrix, so a task packs only some of a panel's columns.
        let tasksPerPanel = (panelWidth + Self.columnsOfTask - 1) / Self.columnsOfTask
        threads.forEach(panelCount * tasksPerPanel) { task in
            let (panel, part) = (task / tasksPerPanel, task % tasksPerPanel)
            let wanted = part * Self.columnsOfTask..<min((part + 1) * Self.columnsOfTask, panelWidth)
            let present = wanted.lowerBound..<max(wanted.lowerBound, min(wanted.upperBound, columns - panel * panelWidth))
            let target = panels + panel * panelStride
            // Process some rows at a time, so that each cache line of a column is read once.
            for firstRow in stride(from: 0, to: wordRows, by: Self.rowsAtOnce) {
                let rows = firstRow..<min(firstRow + Self.rowsAtOnce, wordRows)
                for column in present {
                    let source = matrix + (panel &* panelWidth &+ column) &* depth
                    if element == .float32 {
                        for row in rows { target[row &* panelWidth &+ column] = source[row] }
                    } else {
                        for row in rows {
                            let first = row &* element.rowsPerWord
                            target[row &* panelWidth &+ column] = element.word(source[first], first &+ 1 < depth ? source[first &+ 1] : 0)
                        }
                    }
                }
                for column in present.upperBound..<wanted.upperBound {
                    for row in rows { target[row &* panelWidth &+ column] = 0 }
                }
            }
        }
    }

    /// Rows of a single panel that one task copies.
    private static let rowsOfTask = 64
    /// Columns that one task transposes.
    private static let columnsOfTask = 16
    private static let rowsAtOnce = 8

    /// Calls `body` with the packed transpose of `matrix` [columns × depth] in scratch memory.
    func withPacked(
        transposing matrix: UnsafePointer<Float>, _ context: KernelContext, _ body: (PackedOperand) -> Void
    ) {
        context.buffers.withScratchBytes(byteCount) {
            pack(transposing: matrix, into: $0, context.threads)
            body(PackedOperand($0, self))
        }
    }
}
