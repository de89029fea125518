internal import COpenBLAS

/// A matrix of 32-bit numbers, row by row, whose products run on the encoder's BLAS.
package struct DenseMatrix: Sendable, Hashable {
    package let rows: Int
    package let columns: Int
    /// `rows · columns` numbers.
    package var values: [Float]

    package init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns, "\(values.count) numbers for \(rows) rows of \(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// One row for each vector; all of one length.
    package init(_ vectors: [[Float]]) {
        self.init(rows: vectors.count, columns: vectors.first?.count ?? 0, values: vectors.flatMap { $0 })
    }

    package subscript(row row: Int) -> ArraySlice<Float> {
        self.values[row * self.columns..<(row + 1) * self.columns]
    }

    /// `self · otherᵀ`: the dot products of all rows with all rows.
    /// - Throws: `EncoderError` when OpenBLAS is missing.
    package func timesTransposed(_ other: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        precondition(self.columns == other.columns, "rows differ in length")
        return try Self.product(
            self, other, .straight, .transposed, rows: self.rows, columns: other.rows, inner: self.columns)
    }

    /// `self · other`.
    /// - Throws: `EncoderError` when OpenBLAS is missing.
    package func times(_ other: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        precondition(self.columns == other.rows, "the shapes do not fit")
        return try Self.product(
            self, other, .straight, .straight, rows: self.rows, columns: other.columns, inner: self.columns)
    }

    /// `selfᵀ · other`.
    /// - Throws: `EncoderError` when OpenBLAS is missing.
    package func transposedTimes(_ other: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        precondition(self.rows == other.rows, "the shapes do not fit")
        return try Self.product(
            self, other, .transposed, .straight, rows: self.columns, columns: other.columns, inner: self.rows)
    }

    /// Solves `self · x = y` for each row `y` of `rightSides`, one row of the result each.
    ///
    /// `self` must be symmetric and positive definite; its triangle is used up, which spares a copy of a large matrix.
    /// - Throws: `EncoderError`: `.singularMatrix` when it is not positive definite, `.missingLibrary`.
    package mutating func solve(_ rightSides: DenseMatrix) throws(EncoderError) -> DenseMatrix {
        precondition(self.rows == self.columns && rightSides.columns == self.rows, "the shapes do not fit")
        guard self.rows > 0, rightSides.rows > 0 else { return rightSides }
        let blas = try BLAS.shared()
        var solution = rightSides
        var order = Int32(self.rows)
        var sides = Int32(rightSides.rows)
        var status: Int32 = 0
        // LAPACK reads columns: rows of right sides are its columns, and a symmetric matrix is its own mirror image.
        var triangle = CChar(UInt8(ascii: "L"))
        self.values.withUnsafeMutableBufferPointer { matrix in
            blas.factorise(&triangle, &order, matrix.baseAddress!, &order, &status)
            guard status == 0 else { return }
            solution.values.withUnsafeMutableBufferPointer { vectors in
                blas.substitute(
                    &triangle, &order, &sides, matrix.baseAddress!, &order, vectors.baseAddress!, &order, &status)
            }
        }
        guard status == 0 else {
            throw EncoderError(.singularMatrix, "a matrix of order \(order) is not positive definite (\(status))")
        }
        return solution
    }

    private enum Order {
        case straight, transposed

        var raw: CBLAS_TRANSPOSE { self == .straight ? CblasNoTrans : CblasTrans }
    }

    private static func product(
        _ left: DenseMatrix, _ right: DenseMatrix, _ leftOrder: Order, _ rightOrder: Order, rows: Int, columns: Int,
        inner: Int
    ) throws(EncoderError) -> DenseMatrix {
        let blas = try BLAS.shared()
        guard rows > 0, columns > 0, inner > 0 else {
            return DenseMatrix(rows: rows, columns: columns, values: Array(repeating: 0, count: rows * columns))
        }
        let values = [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            left.values.withUnsafeBufferPointer { a in
                right.values.withUnsafeBufferPointer { b in
                    blas.multiply(
                        CblasRowMajor, leftOrder.raw, rightOrder.raw, Int32(rows), Int32(columns), Int32(inner), 1,
                        a.baseAddress!, Int32(left.columns), b.baseAddress!, Int32(right.columns), 0,
                        buffer.baseAddress!, Int32(columns))
                }
            }
            count = rows * columns
        }
        return DenseMatrix(rows: rows, columns: columns, values: values)
    }
}
