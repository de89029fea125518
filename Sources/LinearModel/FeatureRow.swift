/// The features of one text: a dense part, and behind it a sparse part.
package struct FeatureRow: Sendable, Hashable {
    /// One non-zero feature. `index` counts from 0 behind the dense part.
    package struct Entry: Sendable, Hashable {
        package var index: Int32
        package var value: Float

        package init(index: Int32, value: Float) {
            self.index = index
            self.value = value
        }
    }

    package var dense: [Float]
    /// Ascending by index, no index twice.
    package var sparse: [Entry]

    package init(dense: [Float], sparse: [Entry] = []) {
        self.dense = dense
        self.sparse = sparse
    }
}
