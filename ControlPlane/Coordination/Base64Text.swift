import struct Foundation.Data

enum Base64Text {
    static func random(bytes: Int, using random: inout some RandomNumberGenerator, isForURL: Bool) -> String {
        let text = Data((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &random) }).base64EncodedString()
        return isForURL ? text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "") : text
    }
}
