internal import Glibc

extension Probability {
    package static func exp(_ value: Float) -> Float { expf(value) }
    package static func log(_ value: Double) -> Double { Glibc.log(value) }
}
