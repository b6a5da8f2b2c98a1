package import FLV

package import struct NIOCore.ByteBuffer

/// A command message (RTMP 1.0 §7.2): a name, a transaction, a command object or null, and arguments.
package struct Command: Equatable, Sendable {
    package var name: String
    /// Answers repeat it; 0 asks for none.
    package var transactionID: Double
    package var object: AMF0Value
    package var arguments: [AMF0Value]

    package init(
        _ name: String,
        transactionID: Double = 0,
        object: AMF0Value = .null,
        arguments: [AMF0Value] = []
    ) {
        self.name = name
        self.transactionID = transactionID
        self.object = object
        self.arguments = arguments
    }

    package init(decoding payload: ByteBuffer, limits: AMF0Limits) throws(RTMPError) {
        do {
            var decoder = AMF0Decoder(payload, limits: limits)
            guard let name = try decoder.value().string else {
                throw RTMPError.malformedMessage(type: MessageType.commandAMF0.rawValue)
            }
            self.name = name
            // Some encoders leave out what they do not use.
            transactionID = decoder.isEmpty ? 0 : try decoder.value().number ?? 0
            object = decoder.isEmpty ? .null : try decoder.value()
            arguments = try decoder.remainingValues()
        } catch let error as AMF0Error {
            throw .malformedCommand(error)
        } catch { throw .malformedMessage(type: MessageType.commandAMF0.rawValue) }
    }

    package var payload: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeAMF0(.string(name))
        buffer.writeAMF0(.number(transactionID))
        buffer.writeAMF0(object)
        for argument in arguments { buffer.writeAMF0(argument) }
        return buffer
    }

    /// The whole message, ready to be sent.
    package func encoded(on streamID: MessageStreamID) -> ByteBuffer {
        ChunkEncoder.encode(.commandAMF0, on: .command, streamID: streamID, payload: payload)
    }

    func argument(_ index: Int) -> AMF0Value? { arguments.indices.contains(index) ? arguments[index] : nil }

    static func result(_ transactionID: Double, object: AMF0Value = .null, _ value: AMF0Value = .undefined) -> Command {
        Command("_result", transactionID: transactionID, object: object, arguments: [value])
    }

    static func onStatus(_ status: StatusCode, _ description: String) -> Command {
        Command("onStatus", arguments: [.object(status.information(description))])
    }
}
