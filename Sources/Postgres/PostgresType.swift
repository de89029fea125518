/// The object identifier of a data type; those of the built-in types never change.
package struct PostgresType: Sendable, Hashable {
    package let oid: UInt32

    package init(oid: UInt32) { self.oid = oid }

    package static let bool = Self(oid: 16)
    package static let bytea = Self(oid: 17)
    package static let name = Self(oid: 19)
    package static let int8 = Self(oid: 20)
    package static let int2 = Self(oid: 21)
    package static let int4 = Self(oid: 23)
    package static let text = Self(oid: 25)
    package static let oid = Self(oid: 26)
    package static let json = Self(oid: 114)
    package static let float4 = Self(oid: 700)
    package static let float8 = Self(oid: 701)
    package static let date = Self(oid: 1082)
    package static let timestamp = Self(oid: 1114)
    package static let timestamptz = Self(oid: 1184)
    package static let interval = Self(oid: 1186)
    package static let numeric = Self(oid: 1700)
    package static let uuid = Self(oid: 2950)
    package static let jsonb = Self(oid: 3802)

    package static let boolArray = Self(oid: 1000)
    package static let byteaArray = Self(oid: 1001)
    package static let int2Array = Self(oid: 1005)
    package static let int4Array = Self(oid: 1007)
    package static let textArray = Self(oid: 1009)
    package static let int8Array = Self(oid: 1016)
    package static let float4Array = Self(oid: 1021)
    package static let float8Array = Self(oid: 1022)
    package static let timestamptzArray = Self(oid: 1185)
    package static let intervalArray = Self(oid: 1187)
    package static let uuidArray = Self(oid: 2951)
    package static let jsonbArray = Self(oid: 3807)

    /// Stand-ins for the types of pgvector, whose identifiers differ between databases; the connection replaces them.
    static let halfvec = Self(oid: .max - 1)
    static let halfvecArray = Self(oid: .max)

    /// Built-in types whose binary form is not text.
    static let notText: Set<PostgresType> = [
        .bool, .bytea, .int8, .int2, .int4, .oid, .float4, .float8, .date, .timestamp, .timestamptz, .interval,
        .numeric, .uuid, .boolArray, .byteaArray, .int2Array, .int4Array, .textArray, .int8Array, .float4Array,
        .float8Array, .timestamptzArray, .intervalArray, .uuidArray, .jsonbArray,
    ]
}
