/// What kind of character a scalar is; ASCII, which nearly every scalar of a mail is, without a look into the tables.
extension Unicode.Scalar {
    var isSpace: Bool {
        self.isASCII ? self.value == 0x20 || (0x09...0x0D).contains(self.value) : self.properties.isWhitespace
    }

    var isLetter: Bool {
        self.isASCII ? (0x61...0x7A).contains(self.value | 0x20) : self.properties.isAlphabetic
    }

    var isLowercase: Bool {
        self.isASCII ? (0x61...0x7A).contains(self.value) : self.properties.isLowercase
    }

    /// Digits, and signs such as `½`.
    var isNumber: Bool {
        self.isASCII ? (0x30...0x39).contains(self.value) : self.properties.numericType != nil
    }
}

extension String {
    /// Scalar by scalar is several times slower.
    init(scalars: ArraySlice<Unicode.Scalar>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(scalars.count)
        for scalar in scalars {
            if scalar.isASCII {
                bytes.append(UInt8(scalar.value))
            } else {
                bytes += Array(String(scalar).utf8)
            }
        }
        self.init(decoding: bytes, as: UTF8.self)
    }
}
