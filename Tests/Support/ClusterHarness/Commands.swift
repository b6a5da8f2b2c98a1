package import Foundation

/// What a program that ran to its end said.
package struct CommandResult: Sendable {
    package let status: Int32
    package let output: String
}

/// Runs a program of the PATH, for at most `seconds`; ffmpeg and ffprobe may otherwise wait for ever.
package func run(_ command: [String], seconds: Int = 20) throws -> CommandResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "-k", "2", "\(seconds)"] + command
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return CommandResult(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
}

/// An HTTP answer, redirects not followed.
package struct HTTPAnswer: Sendable {
    package let status: Int
    package let headers: [String: String]
    package let body: Data

    package func json<Body: Decodable>(as _: Body.Type = Body.self) throws -> Body {
        try JSONDecoder().decode(Body.self, from: body)
    }
}

package func http(
    _ url: String,
    method: String = "GET",
    bearer: String? = nil,
    body: String? = nil,
    type: String = "application/json",
    ifMatch: String? = nil
) throws -> HTTPAnswer {
    var command = ["curl", "-s", "-S", "-m", "15", "-i", "-X", method]
    if let bearer { command += ["-H", "Authorization: Bearer \(bearer)"] }
    if let ifMatch { command += ["-H", "If-Match: \(ifMatch)"] }
    if let body { command += ["-H", "Content-Type: \(type)", "-d", body] }
    let result = try run(command + ["--", url])
    guard result.status == 0, let end = result.output.range(of: "\r\n\r\n") else {
        throw NeverHappened(description: "\(method) \(url): \(result.output)")
    }
    var lines = result.output[..<end.lowerBound].components(separatedBy: "\r\n")
    let status = lines.removeFirst().split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    var headers: [String: String] = [:]
    for line in lines {
        let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
        if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    return HTTPAnswer(status: status, headers: headers, body: Data(result.output[end.upperBound...].utf8))
}

/// The codecs ffprobe finds at an address, sorted; empty when it cannot be played.
package func codecs(at url: String) throws -> [String] {
    let result = try run(
        [
            "ffprobe", "-v", "error", "-rw_timeout", "8000000", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
            url,
        ],
        seconds: 15
    )
    guard result.status == 0 else { return [] }
    return Set(result.output.split(whereSeparator: \.isNewline).map(String.init)).sorted()
}

/// Times of the video packets in a recording, in seconds, in the order they came.
package func videoTimes(in path: String) throws -> [Double] {
    let result = try run([
        "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "csv=p=0", path,
    ])
    return result.output.split(whereSeparator: \.isNewline).compactMap { Double($0.split(separator: ",")[0]) }
}
