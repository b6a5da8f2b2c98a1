import Codecs
import Foundation
import MediaModel
import Timebase

import struct NIOCore.ByteBuffer

/// One interlaced keyframe of 64 × 64 in 10-bit 4:2:2, made once by ffmpeg 5.1 (testsrc through libx264).
enum TenBitClip {
    static func codec() throws(CodecError) -> CodecParameters { try .h264(avcC: bytes(configurationBase64)) }

    static func unit(at time: MediaTime) -> AccessUnit {
        AccessUnit(track: .video, decodeTime: time, isKeyframe: true, payload: bytes(pictureBase64))
    }

    private static func bytes(_ base64: String) -> ByteBuffer {
        ByteBuffer(bytes: Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data())
    }

    private static let configurationBase64 = """
        AXoAFf/hABlnegAVtscgRETYCIAAAAMAgAAAHg+KFMIwAQAGaPhCiSyL/vr6AA==
        """

    private static let pictureBase64 = """
        AAAD12WIgIFh/+VLBCof4LWdj+Ao+CdzckNdvpzvRdYcUuCKL0wPPVziAHr3eUwOvaGdFZc9sYynxmEcL1EuMHQA5zcm+7pVAHjIUqcRfLiV
        R581AvTK+PAIPVG4YkUnT8CMGnzAqIZCsCojn6UkU75DRPbpYLp+g1HCx6QwjsHombq+PdR8AwbgCTuffTvPMhtWYIVwKu+oQy1z/uBHL7Yq
        YPfoSlw1NFZoynr68GGC3OASc7S1lot43gpcUDQVE09fGBbiI1Od1odgzUt2VD/fGhbRQlS0rwSbUtKmKojc9PL/WZ81bnxWWW2U7WKGJ3H2
        f8YVLmWuwXC9k/ciwKXxLVhiVjXDijldmj5+Y4pzbBXbgjFQc9xRQpyvbtzVGVdCHrJLZoyjTl87Gl608jdV7Gt9ptjwyka/jNYTwCwfHAAe
        JD7Hmrf+0GIk81Bjr+gljUKOe1RNXVRNAEC6vbl78N3vo3/t5whn0avz8WI1vZVXKyBgvOgCQAF5V4yXA6DtZPS3+TrIADYoABPE75lLDHw4
        Yi98q055pQlabUJ97HV07GXB4bPcbMqRLIdcS1Ulu3rtsqlta82+5pD+r1slKAzb+1QgmkzTeM7jyE+LSfp+S3pJFCTZHVDjsctaADjsFBhi
        auhf7TkJYEHnKvXDpawZ3aElEQSAl886DQp6kQBUJH4rZv37zsbqkonNE/FcGUpVrmRg8oAqQrgdHuA0teKwL2XcYMQ+0sdDMRFUU5jkZkhS
        9kKt7KDaJQ6TPfw2wb+RrYWLyQsVcUVnPzimJkbtTCmXus/YVXj4MVERA6iKHQqHvUMLQRgsGJFce0y/Pwu7XBGdPPzjssb1UL/eJPk9LuwX
        /XYCMBFGoGI8JMvutvthuQ6zJk8WRicEBc3hS/fydlNbClakkxL4dF+5hSBBWDaxNMH7P2yI1qxgBiVxvF6eFhHVymeBmqO9dhgFf32b0lL8
        b7/70eW6pVu4NTg+xFskDDwGbmAgBzOo1Qee1pFocpy5k3E0LCPaRP5XhLKDUkxlX+d4N5E5v0J/jx43zeOzOo3FfxjMDiQb9A9PF6JRVgYo
        3BZIlOx3vavpD/S9r7+gt9UrRzzYMD28bAcFuygjiTfreXaTzrhz6MXRoHk3rB280KKESr64GJ7aix16Fl4Sla7i+rV0Fp7lP189Vrc3wUF9
        4Xe4UxIfpu97YK0OVeVi2PDlUSJrwVshT3jOHTelhKzvZXeiL+YRVLgu1m7TaWo3cu9G8LryVBY6Bt/sCyfhhltfTQSzf5tXJCfD3qQqvPbF
        NmcjT6WKtN0G2WPpziST
        """
}
