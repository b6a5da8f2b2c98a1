package import Codecs
import Foundation
package import MediaModel
package import Timebase

package import struct NIOCore.ByteBuffer

/// Two seconds that really decode: 128 × 72 H.264 High at 30 Hz with B-frames and one keyframe, and 440 Hz AAC-LC, mono,
/// 44.1 kHz. Made once by ffmpeg 5.1 (testsrc and sine through libx264 and its AAC encoder). Repeats without a seam.
package enum SampleClip {
    package static let framesPerSecond: Int64 = 30
    package static let framesPerRound = 60
    package static let sampleRate: Int64 = 44_100
    package static let samplesPerFrame: Int64 = 1024

    package static let avcConfiguration = ByteBuffer(
        bytes: bytes(base64: "AWQACf/hABlnZAAJrNlCC/lwEQAAAwABAAADADwPEiWWAQAFaOrssiz9+PgA")
    )
    package static let audioSpecificConfig = ByteBuffer(bytes: [0x12, 0x08, 0x56, 0xE5, 0x00])

    package static func tracks() throws(CodecError) -> [Track] {
        [
            Track(id: .video, codec: try .h264(avcC: avcConfiguration)),
            Track(id: .audio, codec: try .aac(audioSpecificConfig: audioSpecificConfig)),
        ]
    }

    /// Units of `seconds` seconds in decode order, beginning at `start`, with the tracks before them.
    package static func items(seconds: Double, start: MediaTime = .zero) throws(CodecError) -> [StreamItem] {
        let end = MediaTime(seconds: seconds)
        let units = (video(until: end, start: start) + audio(until: end, start: start))
            .sorted { ($0.decodeTime, $0.track) < ($1.decodeTime, $1.track) }
        return [.tracks(try tracks())] + units.map(StreamItem.unit)
    }

    private static func video(until end: MediaTime, start: MediaTime) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for number in 0... {
            let time = MediaTime(samples: Int64(number), rate: framesPerSecond)
            guard time < end else { break }
            let picture = pictures[number % pictures.count]
            units.append(
                AccessUnit(
                    track: .video,
                    decodeTime: start + time,
                    compositionOffset: MediaTime(samples: picture.delay, rate: framesPerSecond),
                    isKeyframe: picture.isKeyframe,
                    payload: picture.payload
                )
            )
        }
        return units
    }

    private static func audio(until end: MediaTime, start: MediaTime) -> [AccessUnit] {
        var units: [AccessUnit] = []
        for number in 0... {
            let time = MediaTime(samples: Int64(number) * samplesPerFrame, rate: sampleRate)
            guard time < end else { break }
            let payload = audioFrames[number % audioFrames.count]
            units.append(AccessUnit(track: .audio, decodeTime: start + time, isKeyframe: true, payload: payload))
        }
        return units
    }

    /// Each: keyframe flag, composition offset in frames, 32-bit length, NAL units behind 4-byte lengths.
    private static let pictures: [(isKeyframe: Bool, delay: Int64, payload: ByteBuffer)] = {
        var rest = ByteBuffer(bytes: bytes(base64: videoBase64))
        var pictures: [(isKeyframe: Bool, delay: Int64, payload: ByteBuffer)] = []
        while let (key, delay, length) = rest.readMultipleIntegers(as: (UInt8, UInt8, UInt32).self),
            let payload = rest.readSlice(length: Int(length))
        {
            pictures.append((key == 1, Int64(delay), payload))
        }
        return pictures
    }()

    /// Each: 16-bit length, raw AAC frame.
    private static let audioFrames: [ByteBuffer] = {
        var rest = ByteBuffer(bytes: bytes(base64: audioBase64))
        var frames: [ByteBuffer] = []
        while let length = rest.readInteger(as: UInt16.self), let frame = rest.readSlice(length: Int(length)) {
            frames.append(frame)
        }
        return frames
    }()

    private static func bytes(base64 text: String) -> Data {
        Data(base64Encoded: text, options: .ignoreUnknownCharacters) ?? Data()
    }

    private static let videoBase64 = """
        AQIAAAW+AAACugYF//+23EXpvebZSLeWLNgg2SPu73gyNjQgLSBjb3JlIDE2NCByMzA5NSBiYWVlNDAwIC0gSC4yNjQvTVBFRy00IEFWQyBj
        b2RlYyAtIENvcHlsZWZ0IDIwMDMtMjAyMiAtIGh0dHA6Ly93d3cudmlkZW9sYW4ub3JnL3gyNjQuaHRtbCAtIG9wdGlvbnM6IGNhYmFjPTEg
        cmVmPTIgZGVibG9jaz0xOjA6MCBhbmFseXNlPTB4MzoweDExMyBtZT1oZXggc3VibWU9NiBwc3k9MSBwc3lfcmQ9MS4wMDowLjAwIG1peGVk
        X3JlZj0xIG1lX3JhbmdlPTE2IGNocm9tYV9tZT0xIHRyZWxsaXM9MSA4eDhkY3Q9MSBjcW09MCBkZWFkem9uZT0yMSwxMSBmYXN0X3Bza2lw
        PTEgY2hyb21hX3FwX29mZnNldD0tMiB0aHJlYWRzPTEgbG9va2FoZWFkX3RocmVhZHM9MSBzbGljZWRfdGhyZWFkcz0wIG5yPTAgZGVjaW1h
        dGU9MSBpbnRlcmxhY2VkPTAgYmx1cmF5X2NvbXBhdD0wIGNvbnN0cmFpbmVkX2ludHJhPTAgYmZyYW1lcz0yIGJfcHlyYW1pZD0yIGJfYWRh
        cHQ9MSBiX2JpYXM9MCBkaXJlY3Q9MSB3ZWlnaHRiPTEgb3Blbl9nb3A9MCB3ZWlnaHRwPTEga2V5aW50PTYwIGtleWludF9taW49MzEgc2Nl
        bmVjdXQ9MCBpbnRyYV9yZWZyZXNoPTAgcmNfbG9va2FoZWFkPTMwIHJjPWFiciBtYnRyZWU9MSBiaXRyYXRlPTYwIHJhdGV0b2w9MS4wIHFj
        b21wPTAuNjAgcXBtaW49MCBxcG1heD02OSBxcHN0ZXA9NCBpcF9yYXRpbz0xLjQwIGFxPTE6MS4wMACAAAAC/GWIhAC//tSnmWOdUNopANk/
        /JRXyly2s75ubxKTfKDjocxWp/tb77PlaBoDEsE4dUA8ON2gvALXS/F25kdCqhtOn25775Ki+a6QVHUAEJWI8Civbz9kWMJ6pWTIFER4VWSv
        /ZCTQJTz4xcNHg5jaUV6l7KbsCE2hnA6tWUTprY0ywGmqgmzB60yc8aMwfJ1Riw5/KCTpHTeBYuGRHEwaa24cimyzvXxlp7+qwv3Ae2rTdDT
        ZgoduKyHXfJug5Ebl76QpIcg5X874T09gqHUVZQi/h+KDROhJc9QJ6at29wy94ZSz3rGIMZFKRX2owDOGKnXKwfq+NHQsqhGLJLfbC0/9rgy
        WoZH7qQY4zCX11OuQxl0ArPG9/C5/HW5JlTHDCcZAYva2EYDG4SOLTYKgLGeLF9zwGALACmMxDEnTJfUaMYmK4G9sP4HZObWTgJA4MxRRs7U
        /VdOM4vL/m/e2S72YyD+pNKBwv3IEklGI+CtyI3ZdmmWYNCvDalte9CKywIYzu+IcT475XT7PE096FOUW6c9E1x+rSam+/xTltebKzH0J1wk
        zHt85xzsrXGdsdZpX/QyE64Y6yi+0JmTDC3kInqzacRXFOVpd/x9Rys5PWsYV7xwDgJzj2+iATSovpDEaKcWeMd4ZIoBSq138rkgwY8JmYVJ
        kwcNJmx+bD6+E+6NwOAD0T3bg8TUIVcOSXJcvE0etBbaMZXTPbJmpem45NDCRW9lYKIhrEK/1LjNsQG+/oH4cU7CfbX67WlS7JC76d10WgVy
        HReoY4Uki1UzaStkgRv9ym31AfNIcXnIp4db6HSE9SrTcU4BUUkEs3G5+y3KGdQoJG4ePLwAv17+16zbuM7TT8OsOpt05IJN1HbAdT0FT+xJ
        b+w9tqn2J0+2zzZsHwIJXs++tLM2HSLfWa083cpdXum8m1WdKive8N9yeQuoAe9UQtur4x5EH2u/BjnvbMif9cghBac8j0teQnPhx2dgNxJd
        pe12AWWFylB7LvHcvtBJxOfhAAIAAAAMAAAACEGaIWxEfwFFAAIAAAAbAAAAF0GaQhgr/wH91Gw2kwBQkOuAYtRf5uBBAAIAAAAoAAAAJEGa
        Yxgl/wCOF5N5WHwWwWR7VSABfLuvqKJ+HGnNLE8bUHACOAACAAAALQAAAClBmoQYJ/8AGmwQO3EFAJeClbN9bTvo6YPooeXMYCXIhQoaY4TD
        ID1z2QACAAAARgAAAEJBmqUYIv+LvWgATLQUMMk+Dt5RQsvPffGdTnf2EtiTz89yZhGZXIdsQSejbiwpji5pkmu381AbOcHcrssgm2Frw7kA
        AgAAAF0AAABZQZrGGCN/5z6KwB7L8zjPYTeHUaDBFGYW97bOE5D48f9YZE27j0YLDCaQQLTGF9kkLq0bgHDsIMF3b7TQAPfmM24FGbRjgxlD
        C1wffhIYtaNmhJ7kMbEDBLkAAgAAAFMAAABPQZrnGCP/us34AT3xwe22AzKTrkrHjomeZKNol7lEKtYsHrJoFJGuwEy8xEKSDNyEQSmdmZme
        yEoSwczxCoUBRxjk0YphENiTg82MN4sqGwACAAAAYwAAAF9BmwgYIR/GPOgAd9Ai5U0fwx5ewPmKwP47S9ugFIIxgTSHE690WAkgkj1LiH5a
        PFmgZ8usTXnOs5V9etCk13YjoycFb8qL3JfkaTu076bc0ivwf6Kuhx1BASa/u85QeAACAAAAVwAAAFNBmykYIR/7rIVvRNqSUKgiBjL2qeR3
        CplT0k8LKrYus1dhqt55qshbFVRjShSHREU7ULAn10uldRcAlDaL6V1bmtltUPPNczIr0uU/J1u4n70BcAACAAAAWAAAAFRBm0oYIT/6ytUS
        A89bSAv3ZphIQ9aDYtcnzJoRto4SwalStDmU1KMEYmaF4jD821itRmVlJmItPN8pBDuXOvnAdJ5Xzs9NN2Qqu+Yq+rf85YWx1ScAAgAAAGAA
        AABcQZtrGCE/+96meAJ1iwYpuOLBrZovHFKTOpH5CNMo0FE7fPCcT03BFFtIiF6ptgCa/PxXqUzfI+LTAZVHVjvZBgjUvo/NoP/kV6m6YWFW
        EqVfPRPMjVsvzfS+tFgAAgAAAFEAAABNQZuMGCFf/IhR+AJUDM9Q0JBC3IpxKh+k6EinPV2KnRRAVkVKsbOt8EN8MSzNqoRpFhM5RUYQKMvw
        FCwM8P+Q4hwhzaQrP4eUN+6xG0gAAgAAALgAAAC0QZutGCF/1BfBoA/umOMIPCIYqCF0no+P8dW/5cHnVMXNqg4E4reFWRgF9MwJ4iR9OdC+
        llKOEfyXIqQyL1YWlDqFEFvvwJxZyC4fBZfbSl19mbI7/l/Du0WJUcrDQ/uDQuIvhu7iRAEFT9M3i1vGxqzGdFA2NkZSmJq82AH9x+hMfWFz
        zLSemhntmdEnC+u2vaf96na4BvFUm3iLpE0aONwR5q67wHPPSvmQIWphvID+lRuBAAIAAABpAAAAZUGbzhghf/3jmqrwDSux1LVvRIKOJjH1
        UoeD9J7UUy96FugWf3AXtsEkQDB/sQ1FLPeTKa4M0mx2azXpPll5/eSgW/Mq0KrifpaYLx47Xaa+oIh7A5vjelr59XzJ1aRar8loP5bbAAIA
        AABeAAAAWkGb7xghf9QJsAGbLOfa1sUHO5skCYe6rRkcwqw9tY7UI4LqHwDviagfNoWeJPkQhUezgi3RbGUwOgxw0/7blsoDR75PSPB6Utfu
        fu6to0eumnWKE8AWslHzuQACAAAAfwAAAHtBmhAYIZ/+BB3noB7TS1ovTelIQu1XJtAtkdalJkZDLVGraFCcqaAgZoCpVmqFgwFKbK0f3mn5
        Hix8ACR/Zg8aJtgdeqbc1zIWj86TJGVowGWZiVv7xcOl6owU29aa90czc6FO1niGKFMbEOfwtdQ2EzcKOGuwGThunAwAAgAAAFMAAABPQZox
        GCGf/fE4Zn0G6tb+Z+exgA7AgAtZMztJewvBIMZxGTL63NDRMOxN6GXrBOCnf3z9jjUcyPOwqwXRGM2qagh+Ip5sCA4VjxiS8Zx30AACAAAA
        WQAAAFVBmlIYIZ/XRxwDN56nIpp8p5UiHIn8fByq5kzJC4KopCys2WM5I2/XKMJHasK2ua5EATXvDtYrjkskTNj3zVt1VYTq8bW/r/64WZuI
        aW7X5MVPDFG5AAIAAACBAAAAfUGacxghv/4442DwEak6JJ/saaPPpxewdQ0q6mwZ9STvL067pw5nurWDyJACcRAac+D7Qs8UjqQTJehTtEnk
        ozuUseMQlbamBoRMDYrjFWH0rBvnI2C8xAjujykwDr9SmoxzJZ7i+yaa4nA6ZwtVcmvNiXonNgn/orIatPlAAAIAAABaAAAAVkGalBghv9zU
        cAAaTChXJ/z9Wol/OHg/a7dYBOCsFF+rSS5m/+K8mMyr0wSs8JR01muYZLzoTLijaFOSA2rgmNwz5Xk80gQ4wbu7pmoAkeHn5KaKX+rgAAIA
        AACVAAAAkUGatRgh3/4rc1QKCg76F+Vph+cT9aGl4NqHBHrgwSR9jZfI58P1mH5QMl5XkwmdjyiU+rCnONkD8n0Bp6sj8uwHg0lD1UkpMDL0
        E++RJDmyojx2gRuopUTuEhmTa7fxCYXa+GhB0fN0uLUZR90ocj0opulvo0SPWGRVrpxBWpDhTI25zHFFU+4j0oDbgdMiweUAAgAAAGEAAABd
        QZrWGCHf/pLqoIDzSY0TwoDJN8rK3or5537TlBx9txbf41Fn6+E47WqWcoWRdMrZ5qdt2A+CEmWDj/BzHIypQLmX7ugyJMc1Nrpw/NQf3hyB
        vZkslEz+2RV8JYXAAAIAAABqAAAAZkGa9xgh3/6S8zxgCsfkdjnbaaPBscGgWaKggLbYgRULLus16HHuRCOgW+B8f/v/AI44GUEveD+IrmH6
        N3aorHTUI4nd8QimVcHwqSRD58XHPg8mtjDS1aaDDfARrt+3r3XjDojw8wACAAAAYAAAAFxBmxgYIf/+nhk8usTCOLZZE6MSVeCEQCJgwP70
        aoNMFZfL/L6tCKcoB6AUlhT9SoDIgMQnXhHnXH+feH/v+OjwCQelwrEjFHU9n0VAZ3VsO4MQb3lbtmWgbnt7gQACAAAAbAAAAGhBmzkYIf/+
        nlF6DgAqIQkLUzx+XYFghuZSVzrHirNtjIsCu0JvQGWMaZjnZsSqO2/BltHlsfSpPITXVWAFyZKZKmyg83w+lCokaOiPsnGHS/YCrfFxkwRS
        OfC3qoi2g5wH1cqisOEPwAACAAAAjAAAAIhBm1oYIf/kzgCwCa+GRlY0ZfMRdHKeHy6KbVjYnJNSZo93oPz0ODBoB9uZuSaNIUq/HIc4JImc
        3ZH/G89Vj3DeJkCepgbDg61tLwFqn3mN9SvXesF4qiPP/LCrOvYWwK30JYkZOEtbuQeUzo5DFQ10w8/F45LiJMptMjxuWZJm6LVkpejcAboH
        AAIAAABqAAAAZkGbexgh//5KGESVksgVmOepzZF0MAf5VW6sLvY6r9xQaC0axgDqcoU28R9S9D5/So8w6UB132i+gynjz3OCRQuHLner3fyf
        KjXtlLqVFpa6sZ9cWMl5BtDYHVXcWPiJaQNrad2l4AACAAAAbwAAAGtBm5wYIIf//m7KtRVD1NmypODIArmcE9U9N+9rh1HQW+02tXoyMeZ2
        sUnbi4vY+O+Ny9qG2VxNI2OJvl/mkC1hV+fCzQQBgrZ83mDjxZOWzmrxwLb37A615CwfJgroL5CRflQskmGh/m6O8QACAAAAgwAAAH9Bm70Y
        IIf//m7KtRYKImv0tL6cEIbUvylpcrq3qGPl+f3CA6V9Fig5edISt5MXNWTKziJzAmdUb1KaSCESXrzlH9D3XmRw3JXHPCmofSVYjcRmQmJE
        DFzR4evO7r5yq7Dd6sUiuEvrf037oYpzmvlFM8BwZEglcJZLSTsKCm6xAAIAAADsAAAA6EGb3hggh//+bsq2R8Xl2xvwYkqRKrof/+/gLME/
        AE+VrlyI3DstcxZigTm5XZH0Eopoiug6Ff9c3/6XAi3Zn9R1bI1K7fNYXjxhgmM678wNWXIOkA6P9NpBJ5H3RCZB4aNypAMUtoZ1eH1YsbMl
        GaNdxmDBmihGT7kCS8Q+EFOsHO4no5/JuQWxv5hpFfmST09Vw2Ph339hzGuKk4ARTRugjrnUvIHVDCaeE1ZwFR6hrsorh346FnsaXB8y1WM0
        z2oLwumjtchJQI8Q4r+oWO7dCORLV16OUbbH7z9dzpHLTyhCb0Gmqk4AAgAAAHgAAAB0QZv/GCCH//5uyrZKjWMQgRKrof80Wzg3zzMijZXU
        UNTS3CHj8DbPVqmcC6xWrivOprKe9k0retdE++1MZyTSoHXxZidmu+Q/te6Af2rLlDmeftnukoshr6HXpXOMgtlnB9ga/ceWkQ31rkExVYXp
        Wr0ChNsAAgAAAH4AAAB6QZoAGCCP//6IpW13OXzeWA86zvUML/BcNnlPowMFtOzanr4MELa+Ly44qDUuOAjLXu8IIHA1820wMX5rAJ67seqv
        5nT8towX6eo0FMLQzziWepuChWcp1XdUrUKqQuvRoyhMlq9tXB34ivG46UUhIY06aJCTUCwUHjEAAgAAAGUAAABhQZohGCCP//6IpW13kpzD
        dK2SmU8CDEdEDC+pZtTNIemdw2alMtF/7L9QKyNx/B+3g57Drd7T02KFsT0/Yz/kGhzxP9cB4SF95V+1vWl2gWBA1YVxUj36Yr3Qr6/rpXcS
        rgACAAAAjAAAAIhBmkIYII///oilbXc5fMOAsgUucesjjFghoR8tEGR7+VYX34OWWlaneWTicmqiRDoBKPpgZFij3jMmuBj8IYqIct6WEB4T
        B3PJGkPJS3F0P248mfbotkzKLTmpD16QynG292rzlLMpgab2A8fQndbPe+tl+9YbXxj7Y1buH3OgYssZPPPssPWxAAIAAABtAAAAaUGaYxgg
        j//+qZftXNnsqngUh7oALXw9HVhgTqyl1+WExdpBoivr/qVgYk8z0RNiHjpIvgKadMql2PSZvz/YxQJQEgLx1vYAWjxF1EUGnmUNc4EF0k7C
        GfST11GZ+PRqjWfBpJP3cP1udAACAAAAhQAAAIFBmoQYII///qmWV5uqWYAg7nsysqoilkFbXw4qJns7EEk0uV7Ap9UHVgVKduFpM1xybQyn
        2ElxI0HMzD+q0tG32WB5EJ9sqeUMSeC7JzRBHD/f4rVhYoFriHGrn6zirfTV0PY5RIxk74igEvY5SaG7nD4ieV1ZLLzx2oDLvJvdbb0AAgAA
        AGwAAABoQZqlGCCX//6pllJ8Sm964QAG4JjW/idgoF8TEWxX+X7v5RPj6m2YS7GRzpssM0rEwElOmnGksD5XuNAtnfByNoIzZYze27mdKMiT
        lrW3rzbNlZP6irbBGzt4nq1tpPka/VRQ6AL1sosAAgAAAIMAAAB/QZrGGCCX//6plledXVaIAakitvvGFDuV4yMSQp7TYYp4q+12n0p6et+p
        GboIX105R1eKb5/iKzWRmr4bGAxDbAgIQdENprTUngF7aLkvBGs7cEgtnmG3+k0HoapCST/oX8K/Y1ZORKhsG5mfHsbdWze+QoSHp4rshIP0
        tInbwQACAAAAaQAAAGVBmucYIJf//qmY1vCFAWn8eNQArWwOo/kPmCDDf3BSYeb4qLBT9NKspNSIEjVNVOeT36Jc08Oa2fddC0TJzdXVUstr
        mE7+n5ItnS2lCFsGf6sODvRwq0jJtq7sdcBl5sKEjZ3ajwACAAAAdwAAAHNBmwgYIJf//qmWUnwun4NfoADYjtctl2crMEcOo58lndTdXBlk
        Z0Skx+sTAdgnclnaRw8Mgwhqewo4eR22E8LQnfWH9hJ4rV2UGXQ1CutgiLtpAMpZpQ8pelNimusAzuqX6y/Ct7ewOoyo96jUQSeHKJpcAAIA
        AABuAAAAakGbKRggl//+qZZXm6vtCxd0AbVssodnQdFHoMDeSLUwOqo7i67xv5lh8M3EG5yl9wBawhWgMs+lPD3DFmURAaCee3Yurm3sEZWl
        x+IKnlsUitWijfiuFgpwn8hnsIyBYVpz2TztXzydYRgAAgAAAIcAAACDQZtKGCCf//6gYWt4AFUSRv/4emqydHETJ2AtlaSv078qB8mz2dpF
        mDIRD0Ofhj9pkk8U+D1Qh9qmIjwJ/WUsr3XBVMPxs3iVH+mAZPLFxEJaCKAaJVw5ZxaUBtUyDzoKu5O9Nn1Buj1lyAAHJBZLZnDRPuJwd1G0
        ac9bb3Glzt8MyuEAAgAAAG4AAABqQZtrGCCf//6qVXta85a8wtBsYmAEjMGPr1QKwcGr5UPeWQvuvwSze9CuIZ7SpZHuOfai8DH4slhGI9Qw
        W187VEtPEKTF4dNle3xQJUpg9b7u8id0LvYFAZs0uYaX05aF6W+MW2TJpBU44AACAAAAfQAAAHlBm4wYIJ///qpWGpDlAyHQYYALZS66Hq6Z
        I4Oxbml53wdGKao/pERdsQXNg8WApzdwy0FUMaWggYAWnm20MwBjqiahH9LbEr61ApLERHW6zOA+INyGmjPYJfaftkUvkpqce+ywV/oVn96s
        ez4fOyrY8kPEceyILMe8AAIAAAB7AAAAd0GbrRggn//+qlUdZsMGYAC4gKyWwmHDxJdclSWVNDAUC96YZfRe+c8WjnODwSVQN88K57qzyIdQ
        AKMtxzQHARuYfV3F+Wf7JobOkzn94AaAaHukZEwDKGBYK3jyBOJ5TXPjibzHXybavqnUHEct50sDTf2HddfhAAIAAABqAAAAZkGbzhggn//+
        qlUbu5y8rhwUGBcALSLfhd0aTOwHigaKCAhORirqHa7jB+M9qJGk2wM6k/MiHS2WUx1d6OLSvChWPEUlkmDK19QBvu3Zr+fqp/hirSbS4Do3
        XuJeXZswZe8qXt548QACAAAAdwAAAHNBm+8YIJ///qpVHWbDBmAAuICsloLM2loRrVvzZ2RtWMVJKR5IRSWjwF2xn5XXV8abP8M/UiKXTf3W
        hqYGqIxrrg6dwpdpFcOONzCdG6lvBz7WLiGoBs/B+r2eyrTpoeqwdbDOuI5pmfdjpRet7imwunM3AAIAAABnAAAAY0GaEBggp//+tSqOdQqJ
        zAB/Q6VyHo0mDyVeJ8ikCdm/2TuaSHHfuoxGAALpyDtJAYIDZBrTqy501wPNHVp6X98HcohK0WfV7KEJPx3vm2wPMqBMaLkrV/dZqsyc/BY3
        G7WDgAACAAAAeAAAAHRBmjEYIKf//rUqjez7nzxr/8QAmdt6nm5MKE0I8eM8r7t/SdMnwnI24Nwha45FZrtlpdyUh8zrm7kOxosLriGTGaO0
        9ymrBVY3BzQywrGVp37Gw9BET7G9kqMPfFlRzK5m4j3WFc1qMMp00JR+nV73UAqnwAACAAAAZAAAAGBBmlIYIKf//rUqjwE2Mt1AB6Y2C52C
        /WM+pTsrnde7tS2Szu5zWm4X3OeLzLJoFHZkHY3XuzTe1eq578yVc8Y6l+NonBOzpnX+OrWfPeuI0jFOd/WpPdqHAVzbr5/Ax4EAAgAAAIUA
        AACBQZpzGCCn//61Ko51DAe6AD8ScZUExnt4AM5lAfNC30JdQzhGhoSx4wx0dxA6oJ7fO/2YhxK6RPv5dqvAMmfbr6Qfvk5Eaei8LDYHu2pP
        joE0A56aR9Gh7KIQ+BBA0xBxd9LatgK/WeEkhrDCNBXhXwpK8XwukX6FBXgP7DddLbLgAAIAAABsAAAAaEGalBggp//+tSqPATwhRAA9d5kD
        BHT5GdO4EYkbTGXUN8+b+yEQyqT26Dq02OEpjwgDjb5fZSL8Vl9ARlgBTSAWltEVLXGW2hgqFKq+K0YH38cVcntLDqwZPKeQvqlV9tNt3Hje
        hyl8AAIAAABTAAAAT0GatRggp//+tSqO54earrkgAoMCebBR8BlHoyTFnXSFoQCXTM0OAMRib/HThgMNgShctELhUSYPKAcXkmIqtudEu8g5
        4DIDTf3tfu0yW08AAgAAAGYAAABiQZrWGCCv//61Ko3u1/wSQ7QACIGuCHS37nmhoNqD/i+rxAm5GQrBKbQJ15K3HWoOyXVuRLbc1yaXuFVI
        bPYo+kwLgQ6C6wt1Ecjc3wctDqw7XlyVxD6g9WgHdHLpe7VUlbwAAgAAAGUAAABhQZr3GCCv//61Ko8BSt3/4ABMtL65vHOBhjBKtvN9fva/
        sNu9Ifr4djB9/mE/iLh09lqtdPc3+vOOJMKgCq6m2WnWRdKrXj1X58nBMwzIQ1TaNHwNEoRlmOgsFN77n0KDgQACAAAAWgAAAFZBmxgYIK//
        /rUqjuehftAAJw0Q3AnAznZId6Ta4BBo+L5T8YrMdHPwDSTsgA+8pwTE9GWbtXR6+e336Skd3SRctUw6YAvRJli4ptbq4xEWhUO7R+UdjQAC
        AAAAYQAAAF1BmzkYIK///rUqjueN0uAAmUFg/UNM/wnJIHWSEiuOu/2/gRS124HDd4p+IoTSj3cbK3Dm/dpancfHtdhrvIXpzOsNkVJylRE6
        CtFSLC8SVo+GK00A3tzRUPQ1W3AAAgAAAFgAAABUQZtaGCCn//61Ko50fkoVAB/IWJ23cjDyj2LHfAm9mXU2zetlnvNEnlJlf6JLhTVFqc6u
        AFjubAkawPO8kcNoT4doWqpt3MB6ZqvIrO9ru0bhaxVdAAIAAABHAAAAQ0Gbexggn//+qlUdmn1LeWbDiAIKrCjq+zm2eXDDooZ2nu6A8isW
        1DEUhEI8oMQ0DTvuXtUrlTU65a74jSn17tLGN4A=
        """

    private static let audioBase64 = """
        AIUBIlCtsHQ2nKjGsuWqUhzxkR7yLkF3CyqLHwiIA52FdpM7PsWLg2Bx5nSeb2Fn4a04Uzun9tDr755S6R5u5t3FsHKXEdfaptq2bKp2qtjr
        trjYu2zcq1pTZ02dRjUZzM6a1FaitEtMlMlIlAwMi0NoYG0sbBgZEiRGzZs2iRIpZTZuWWXgAKEBOJTayl2UU6sp1ZLpz/Pt1bZ41f/1r9+u
        NcavX/9rx/PnjXGr1//F7/z5411rVhv9bLbPHluLoEywhZ+p1m8pjbnAZzgMDO4TMDAzuEhIMDO4SEgwMDO7hISsGBgZ3cJCTkJsJd/hCrDd
        T5y5XpSt6UJvZm5QkqSzBpQkJJXgaUJCSV5wY3KEhJUlm4MDGwkJKscvENRRRQaiiijXuM3QbgA9ATryixrXjnv9n7+3xbpppeqlyOOSSSLq
        QO5/fOm7NmNn9yGT4MM/uBk+DDP7wj4+DDP7gcPgDP7gZPgDgABGAQgykeKdCIdWrPn/6fx/6/9ZfF61kz4/PxPt+u3bukqoVeCaabGD1eqa
        Zc00y5spsJl2jY/n68xKY/Ncpm2/8p+HXLEGzgBOAQYyiiJ9CIdMIdEIdC29f/8r//X6uca63Oqz19Z38Y79laquGVY5p5znUU86p55zzqE8
        51Rc1TfS48+dPyvAOeLJPFMoFhiK7FmqFYuAAEsBCjKSAo0Ih0Yh06s9//p+f/X/aXxq5dcd+vvXz++3b4mT4KvLwA0suHfev1yyyyyyymzZ
        vGXGVVqr1iU01U0pkPbQ7fUBe9byUOAASAEEMoiWMZ6tle/9/f/H+0vWrmdTn1999/Fbp30XhUBLzHW/J6+ajy8PT+Wv8py1tbPNu7VyrZYD
        ZnX2th2i1d9P3llgosiL8ABwAQwykJYynoRDoRDoRHoSDoR6/1+f/L73q9S4qJf6fvg7MrhlQAJCQmNRn0fEF2gB9Pp9PpR9Pp9KINcD3nBe
        3BQfOGJWGxvCgG2Nk8btOliw90HjMB/LGKLQrBu+RJsleOBSzgXvrTVrGp30mQdjfABUAPwyiHY0SK9CItQ5zv/45+//W5xOJqt9fx+vOdK8
        PS+oyTLwLooA8gnwFEjVfUGBkx6aZeFZIIvhnO0aW23iS+hO09R1Sm7+JlgRqCosN2/5L63AAFkBCjKYljKOiEOiEOiEOkE//tcf5+pOLksv
        8/fX7f47dmXUXmEB2dnY+xl30TORxx+Hy5ub5fL5TzjmqylzEQ5rkkAdGytXAMAVD5EooQMTkaIVnawe1aC9eABdAQQykJYyUJ9CY9EIdIId
        C3XP+v2/9vaTq+Jau9/FLx378qmZdVcBuWX3k/wctBef0QiiKKKIRCKqGEpERFLlORe0/VfTRLs74KSBRG1MU9eOz58RGKr4VNX4xYJ8AHMB
        BjKQljKOhEOhFGiVW/9fH/ml8cLrUfb73+n6478nPmTEzLATdu+3kNc0pQGySGvPPPPPPPPJdWlJu3cx6AwCQ+ZjgUASXqGYoQz6RExYJY6a
        cGGNYsJKMscJ/rvvZpyzjE1t2ZbH42Hnwr14dpz78DPwAFQBCDKIljQ4q0Ij0wh0TK+ft+f/eXfGr4qk9/qs4x2+PqqmIpQ+lFCFn/TLBppw
        gy5pppppppmirWG2xNHDKBKxOzznRbo7zSBZOmjM4wSs/iXkZo8AaAEEMoh2Qa6ERaMQ6Egt0/8d/8+bvXCe1c75+p7/Cbnbx6tG1iedRiaE
        SZEIgAsx6G/fv37/w30vejvS996tLlLe2GTyMYT5fz9+GmvfpjhvK49fWGQqKhW6ZKTSQ3+DjO8hJwHktYdfAFMBCjKg5R0Ih0Ii1Cm//7fj
        /r/vNa1LjOPt+HfB2ensYEoBEEQROIVZZ533fKLj8uPH5cflEXy2bDoOT8hgJhxLYtWsEcTHRAwdwLotp017Z0vxcABmAPoykHZCWKNEQdEI
        tEIdC7rP/r4/3/xNa1rNTNft93ftU93pnxqqqqgRizJqyj8/66PTUP3+/3+8f3yxcJMSUoMgqoIDHVjxPYRcWy+xLSR8ALok8y9vkTfPY5Zj
        SRT2TzvM33twAE8BDDKQliRQo0Yi1BPf/4nn/yl6u7STx7V9v127KlaFEAJCQmNn2LYgFRQSEhISJCSpWYqs40luvhN87nSctlv5Lktm2b1x
        pJBUyad2HLE4AGsBBDKQljJYq0ZB0Qjbrn/j3/8vaXxxfGTevt+N79smXt46q6ATTTeck+6S6N4/QCiiiihdFC/XqoXXQZJl+US2Cq9XgIR+
        vi/LJod+qzZQW/naNe8NZj22F1r7leSh6L3lLKoPQpCulDFEpwBJAQgyiJYyjoRDq2V6/41/vq71xeqH2/F/p/O3dkpKVCh8p5zvVdEwdDG2
        wnnnnVPPOfmQT51cwOoEAdSlRPBgB5VQsv+a5IwGbgBUAQgyiJYyWKNCIdIIdIx9vX6f+13OONNTm/n8c50Y7eaunVVA4xRLcVjEodt/4UZU
        URRRcYoub5RZZkdxHfOe5ijpMTYOaGny1d4PM00D0iooUWaeAGUBBjKIdkJYm0Ih0Ih0Ih0Qh0Qh0LKz+/v/16t1d8Vq+ff759v5x3enWalb
        iBzvMBDkef6+VgJn0DzzHmPMYxl6WPbfUyfpJEkyHVcly76n9I9JAmg8rDqjXBaqfBkTinWqUUo34ABiAQoykJYyiItKItEIlOf+2f6feavV
        zWdc/P6u+snLtJXEZUASEnPPQ/O1g58bYFFGvXRu1wNwUbtazdoXe6QH0xBlPsiC6zJeZ0sS7NJ90RwvzSn2wqlJ469R+1rQl2otsScAdgD6
        Moh2RCjDQkLQiTQvE7/9O/+v3mtcSSVvv6r8/vkPT2+sqoqCef1BMoSYWsQKu2AGBgYGN3i2TfG+80f17p0uUZIO6Yxfqvznzvs7w07N9R7J
        wrL4hUXIeQ/4KeC6mXF0eT0IGrHvl1pXGTeCU0tllrsuifAAVwEMMpCWMmiTQiHQiHSCHSD1/43/v+t3rhLq7+fhz1jqqpV4ioAMDA0DLlrx
        c/NQ+Xy+Xy+Xynmy1VK5uMykIKwwE+/i44nqM52UQlKJbJxi8oqpRflm4ABaAP4yiHZCjoRFpRDoiDoXdd/9vt/P/Mvji+Mivz/PPr9aef29
        suVUiAhEQHUfk+0l68IoooooiiDnIoiKkggEAlCgqwKAE/RHTq91/cF/akQlrLtOFAoJx1UfAFYBCjKIdkKOhEenEOhUz/9q/7+bvjVtZJ35
        rv427c14iqivIc7zwI2f1ntwRsA888889z86edjL3oIFm56+sBK0rScVAYMw6x46A6iW0ywtmCIqDFYwuABTAQgyiJYyQKtEIdGItIrPn1+n
        +/tNavUuVXj788/FHcyrqCoKKKENigCWq2/fjBRRRRRQF62zfSBHgJYRltGcmMZe0bsFZXRTQeVInOtZRP6kF7cAcQEEMoh2QY6ERkXQiLQt
        1n/Hf/rkvWuJnEft+Hv99vBecTaMyh8p1AikiUJd0jS6hG379++97777771NSkNN4FF7v3TM6nNPUkmWxoVrFQ8ZCjUz38UlDNOyGee4BiUD
        F3cAkfegJMnhFUSakrNG4QIuAFYBCjKIljJQp0Ih0Qi0qq9/6+P9/ia1wua278ufJ4dmVPqslIPlliWmtIEzobfXwiiiiii4xE/DEj5QzEvS
        4rReT2CVCWqk6oQ0SDGKiTrYpqQ22vbQ4ABnAQIyiHZCQLdGIdCI9Cyt/+O/+vxd3w4vM5r65+f55VZ4KxqqB554Erfn9t3DVslB+/3+9LHk
        pYxztZya5EsJLPkNq5S1Naf5JRkn1TKcCVptZ5aPJUKcnZ67Tn8r1jDuT/clBTRDgABPAQwykJYkUKNCItUPX/ivx/vL1qS1X9vxvfxjq3xz
        LqkqAEhITGh6FrAKp6gkJOBIkSVmplcsCsLTh67bIFr7U5NRhk3Q9c5SlAeP5qt3PgBbAP4yiHZClohDoxDoxDoXOT/8PX7/7r1rUXj1+O/n
        +cx6XtS0y4KF0GOJgrQtAkVXgP10UUUUUUKoXAKL+cCg8YB6GmBYYAleLTMfA8lpzvUipOyBTc1WlNxvHgB9AQoykJYycbdCIhv/8H/PtJxr
        XDaePbOfinfWTVVlu5QBgYG7x6nYedwLcfhPPPzT/L5fJ/5cz/F+ec+USNgPrnJUjaKuHZ7bcr3pNDkSDSnG8o5oNHWC+STcVZ6V2jkynXvV
        dc5Vb8VL8qVzKu2bS4bx1MxSf9kMNdJKCTgATgEEMpTlHQiHQiHUt59v+38f+v+l3xrV1qr/b/Gfp+tO/lMlF1UE5mJhL5eDwRRRRRRRRKii
        iynqRD3M1EBiSxF4BQBx6IV6KlQgLjKbOABVAQYyiJYyjoRDoRDpxDoW3v+ff/rq74vitUv19c79tu7czLykzqx9Hnk+/nfAScNEeB555555
        7zeeCfPneMlb3jGBu/awyQcQHmJbuejAoGkVCixFwABZAQoykJYyjoRDoRDphDolVv+/5/+8mtcTUmZz8V8/rjsN5eVJxUATNN56W6QSwF4t
        QpdFFFFFFFGvd9NY570pDEtgGNuULwwBJrGzJggGqA89oKEaoywxf24AUgECMoiWMlijQiLUNvf/o/3+k46zqb6f1/fnfsynh38KpKWJ5531
        CUCkShcNWh+p551TnUrUI5p1TLt7t0DfouvVwFEdE+UbxtiICtRYbr/Kg4AAcQEKMpCWMo6ER6ERaIg6Eg6Er1/05/2/eXrVxrdc/evf6p2c
        9c5qqklUAYGBoEXU1BgV7+Hy+XH5cflxyxcx5n8s/HKEPxgVEvj7EFATvz18ra5oaBjxs9P6EXppTS0znMlBjyXvbO8ipaHSAQsifuLgAF8A
        /DKQliQws0Ih0Ih0Rj0je+//jn7/9Zq+JEmd/XPj708/U6VJTdhijl81HJ4KKGresDMgZlwNjNODwK8YUolhNf3unVclal5/XDewJot5MZ6t
        nssWqlj/pKkWTj1kuABcAQoykJY0SKNCIdCIdEIdIIdCp6/7b/8viXrU1L3r9Prj3+tuvut5ftiABISJjZzqDvA5HgBJUJCSoSJK21LSpUJE
        9Jy0cIBafmsxmulPx7/aKwJiwHlLbFE41m4AVAECMqTjHQiHQiHQiHTua+f6/2/3/5l64u86eN/ffz+KePMtdUlShlExMJ4n/keVjY2bNmxs
        2bFoxeP2evoU0H7RjFyTNuukFPXOwLIM5hhAw1rDgABjAQYykJYyWKNCJNKIWVn/Hf/vU1fDVxXj4rx7VWO2SNpUAGvXvZp1dS5PGjWzJ555
        5555zzzbKn394OrGZDyWTyNg2/hCfkvVWkL6oBkue1SCWOVOcYVvPGmUpvm23+Ds0t9uAF0BCDKIljKOhEOhEOhIOhEOlZXz8/b/2uXxxd76
        Z9v55+f527fCPOYlShxiiWtZ2BL7b/woyooiii4xZePGIhNFCEQnIBUR1B8KA7okEvmOpYLiwjhCXE4KtKCErV4AcQEEMoh2QlDHQiHQtt/6
        9/7eZfFzi5M+fvvv4yevrm1SreAOd54ENfz/PJEItR8DzzzzzweYl5PenterW4xGCy9mohLpueS6c0b8AX5QI/An6RXpwpTfgjUqvNK3/Tat
        wz+m2VJwIGrTSlX7bBG+jTG3AFIBDDKQljQ4q0Ih0Ii1A3/+Hz/z/lrV3Zlb/E/b9adm5NVSKgBISc88XeN4FPABMwSEzBMyU4lw6IrCUycf
        VKvtTKR12w7+uYmS0oMRk02nrxsHAEwA/DKQdkQ4q0Ih0Ih1LeZ/9Of3/zNXxJaV+f155+Meni6yYQCwMPGLShPhKlIqvABgYeLLzvFrzZ7C
        yRhycNsBssnZsJy6I4oAKiw4AGIBCjKQljRBJ0Ih0Ih0Qi0qp7/8b/6/E1q7tJPt+/P2/fbtq6xBV4AYGBoFKUiWOBXq8AYGBgYGBgYGRAwM
        bBlHaq4uPxgJmpI+wKA7F4v8093AbsxXGM9GCBaaPy3pylS1uABXAQAyiHZCUJ9CIdCIdEI9I7p/+HP+31d61xKtfv5rv65ePbqiwDjFECqj
        7/mZDa20IoooiRFEEREh/miTespjVRezzmgwwrABO8Z+0D8SjBB+ShuJMThwAG8BCjKIdkKOhEOhEmhIWiEIf/hX/PEvi+JNc17/ivHwdvN5
        0bSKHO88apzmdW4IVI2AeeeeeeZ9E8/0bF+76NmYsgDBjBWGAHSTes32lZGAwixCvrySpK0b3neScDa19Nx8yIyMAq29alqWfWWO17cAaQEI
        MoiWMlibQiHQiLQiXRMr59fp/16l641VyT8/ivH35duVdslQDdRQhs1iS1G37+Quig1BqBRrMugfRs1HOnJEaLSnlcD0znGOdZQPVCE/SKNM
        8L9RKymPDdG+eCxJZahNKmTrSe6BLgBJAQYyiHZCWJtGIdS2z+/5/7+b1qaudbr3/He/andV7xSJVCedQIsiT5X7dFbITzzzzqClTznn4v31
        jZZM62zFGQk5oS9/KoxGbgBUAQoykJYyUJ9CI9EIdMpz/r4/z95fF3qlvt+N+v15dnPn3PbEqADAxvzGK0i0Wt97aEUUXy45S48auMXGeF/Z
        7qoDMhcuUUwPleoF1mOdxYDLdzy8AHUA/DKIdkJZr0Ih0Ih0JC0Lud//hv/f8XfGl614n5/XedK8fFU9Kq4qgl7vBKpyeOxhK2gh+/3+/33v
        PMeTim1gugSp+JJqqajkhwXxzlKpCmjIK5mXX1+g1jf9tw6id7O0oMR4873GHXPAYRMVSKjHUwzUauAAXgEKMpCWNDirQiHQkHRGHQiHSKe/
        +vP+f1vV6uI55++fP747dy1QVACQkJjUZNHWAFSaAEhISEiQk4JSlWoyYZyJTHL4JyTOlp/e/f9NiMRp6wzYkehT1qIa1j6Soz8AZQECMpCW
        Mo6EQ6EQ6ExaQRMzv+36f5/w1q+rSq+fxzz+NvHuTOMRUCaabznJgjJVA8TQKKKKBQvc6b6wGoWugyzkAkPBRwsBk5bWduZiqBUeWkmxeMNJ
        Gqb1zc2UvGFrpLV4NNuAAFkBCjKQljJQp0ph0ghUz/9r/383euNXkqvX75+f3ysdorUVdAGvEu8ZfWshgTtsJ5551Tz8z/y5iUXM+dCkTz85
        vbnXKJUd+mbexSQhEpjzaFEPeYCEJXsvwABRAQYyiJYyWJtCIdCIdCIdO3Xz+ff/f2mtXwtb3+N8+x3+tVv2qVChxiiWr9d0M2//jhFFFEiI
        svGIcYn0K2FLjMYJJ0ahSS+COmwJioVushHgAGABCDKIdkJQn0Ih0Ih0Ih0Ih0Yh0LGf39f79Xq9atL58fD5/GO6nLzSUgPPPAhyPKdi3hol
        YHnmPMeS888x5N7eZiNIE09lvSmSlKVY7I2jEpwFhhvXbYZOERuc8UoyRnwAYQEKMpCWMjirQiHQiHQmPSmb/v6/8uF9cNZda/P4rx9bdu9X
        zqiKAJCZvPYbpJQDHxagC6KKNdG6j6QXrwstoynrRGGUb0eocfWw742tIOF0/GF4cHMKEf6E0LyjbWcPKcAAUwEEMoiWNCizRiHRiHRiHQqf
        b/jn/v9SdcZxWuc38V38Y76m1VJKsDzzvqEoE/EnatAMLXhhYsWpehfRgoJTIuN6/myFMSl46M1h7Sc0SVWuiJG/AGcBCjKQljRQn0Ih0Ih0
        Ii0Ih0RB0Knr/Xn9/8XeruSaz3+Hr8duwVdUlSAGBgaBSn4lTkV3kAYGJGwYcbBkRuVk2y44lfVzgQ1E6NJDBo+0N9zrQZIHlCs3AgQ+iG21
        jELKkHmNvsjgAFABADKIdkKOhEOhEOpZvv/p6/H/VfF8OJy/P8148nj6mqrLq6UERRAdU6jHMwVZeH7iKKKJHcIhlhkzcwESDAToyF69g5AJ
        PSGHk4MBdFI2cAB1AQoykJYyUKdCIdCJ9Cqb//DP+/mcal3Jrnv4r7frubdvivx79a3JAE3Qnv3udR/nDkeA895/T6fR7zD2uBLE33zSmYY4
        Y32pmzp26RoTiyxjES0ion8tkvvOYWBNpbdjy8HohXX+FIru9KVhdCkaKvwfee3gAGgBBDKQljKOiEWiMOhEWhEOhbzf/Hz/5e0vji+t6rPH
        1nfxTvqdmhQAmab3znGlChePxgooooooNQz6CiihfqArCEBIQxlQoAPL4rT4Uysuz9ewbSMIPr16bDzaOGCN02u17zvnyoHvcABVAQgyiJYy
        UJ9GIdEIdEIdGx7/n3/9l3rzWlcb+f1z7fvt3JVGXdQOaec/vq4wEojZpTJ5551c3NOeeqaoHh40Yoj7k7LitPRCkFbwn4wNpzxyMa/4uABS
        AQgyiJYyUJ9CIdCIdMIdEyvn9Pz/95Na4l3Mnrzfr4p27m8UTqg+UUS036qWwvPClKiiiii4xFxiIp+IPDW8sxRVfSqJV1Ida1gGMVE2Fgot
        wABiAQAyiJYyjoRDoRDoRFoxFoXb1/0r/f7pq55vNZ8/Wfb+dvDurrWVdWoPJedU5TLj4S1Hwft57Sx5gYxhpFknS8KYQB5MClhgCzr0xn7S
        fBNF5RG6lbIDbYt+Lfk3IVH3OzgAXQEKMpCWNEijQiHQiTTKev+Of+/td6u5ONz8/vnfmOzmXJvaVKASEnI0Mmgogap7wAkJOBJwJONTHFlZ
        jjXqYeCJ0w1jObYJStPLgtXsHBOeWXYlXa7yYsMcYEjW4ABuAPgykJYynoRDoRHoRFonivH/b7f9f5l8a1FTvPvv7fvu8evy+jC8EEB7zlCo
        C8RXX4P10UdLXRQtroWuOoyTgJuATgwmdoUAlrPWw0xnw/5IgBhimgVEL2ycq0wEaVR3+yglobIqt+qdU9kKaJcAVwEKMpCWMp6QQ6MQ6JT1
        /25/x/pd601L3fr2ePjL7dfNoNUAMDDoGU7A5rPrwn5ub5T5eZRzw82WGE5QkeEAQ1cVIHEAKxUqwhUyEivOAA0MpJDVwQopwABZAQQyiJYy
        joRHohFpW6+37fx/j/ea41xL3xn6fvXr6x35e1NVKuhFFEtP+X1EvXhFFFFFEWUIfxhIu6KYxzAHETH3QwA4V1oERTokryStMPGRGIjWdB8/
        C4AAXgEIMoiWMo6EQ6EQ6IRaIQ6Jj3/4n/nU1rqNVJ68vX327ty6b6RVD6PPJe65JPg0DgNeY88895vPc7PoxjbPNt524ANwExA1gGN2mY6w
        ygaUZ+kCwRg3sX4rzu3WV4AAYQEIMpCWMo6ER6IR6Rlb/b9P/a5rWruJnPxnfxjszjliyrwBM03vukiQcsNv3CDLooooooo3N0bufdebnEDZ
        4QIDJbX9B0AJeOdb15sOURpqtXT6h5S4qR4XpdTjuHTWhFwAVgEEMoh2QkCnQiPTiHQt1n9/z/5eZrV8dZSfn8b8fenee9FI9gnnUCLIlQVv
        WTsehPOqedU/qr9Kh5nupRpRGrOvVcvTnHBlnB07QV9NIY5VuLAa1YuAAFgBCjKQljKOhEeoEKm/+3j/v8Sa4aWe/08eTr3x71iB7AGBjfmK
        VRCoMiv+OHy4xcYuPyyxVfL5Kq4o5psshATDjHE8IgDoOAU5aoRGO1acNERUKdWGU8nAAFcA+jKQljQwr0Ih0hi0rnPt/xz/5e13rpq6j381
        9v3x581l1qJkoRgYHCjk8VZBVt3ABgYGZVdRx3ZpaoRjVfbgEZRnVMrTfePj0RtIJpskmxa0Wm7/VuAAZwEKMpCWNEijQiLQiHQmHREHRqev
        +1f8/F3rhLlX+n6vHxt2JtakSgEhITGh9VsQKpHgBISVCQkJCQlKlunEoTT1ytk6RPGu2fk2Ev05WOkbeuI9VY102ilaVJWWt319117F1IQh
        knAAcQECMpCWMo6MQ6ERaEwkRuu/7/P+n7y+NTzV7d/G/z+9PCpzXEoy6E003nMF0FlUrZvwUUGoNQFjp3a1IxMkGTcA7cwykBQC3VEV5ivG
        MQ7pxIkMWt4oX03vl9K6SDSD+XccLFySWKxULZ2daYZlBEPAAE8BCDKIljKOhEOhIOpY9/7V/nzd8Xd3U335169rdna6qoVKHynnPOJ2bkMq
        dXCedU888+wTzwznLiQUdQAE6GWBAAmRFS/8LvkGQEw6WbeAAF8BCDKIljKOjEOiEOhMOhEOiVnz7/n/f2l9TiTzznz+J+n747Nz3PNam1D5
        RRLbUrCtdt//HCKKKKKKLjximiq7v6RwSDAHqyopfDAEY9gNS+ZgsCOIY89H45ayhDdS7gBhAQYyiHZCjoRDoRDohDohFom2f2+f9/N61euK
        lPf7549ju2uhWtyhzvPAh0vP9/BgJm0DzzzzHmPPOpgvTAlg83bgE5uq+ywXgB2BYrbQyQXRn+LrQWKwnLrW2LTZOcuo4ABlAQoykJYylohD
        ohDoRDoRFoVVv/xv/b7y9cTUq3r6fb4q3Y2pVqsAkJm89D0zQCGxtgUUUUL3a9evzg+kFDHaAulQD2snUnCgF2pMylJCUHB5J+07itUbSi/Q
        m5qXhKNMb10IceAAWgECMoh2QlijSCHRiLQsnf/4b/0/mXx1vXFL/j9d+Pqqx37i1XUwHn/RiZQkwdiiVZoH66o/1PXWFKWfUc6nVM8ojB+C
        cmkSlF+iOMhe8QqNpngXluDEyQ3xcABWAQoykJY0QKdCIdCIdMIdEp7/39/+/3u9amqXXz9O/jHYbVUNUAMDA0ClJxeSz9/AGBiQMOBkTKIG
        Bma+m99NEoFGDA9zwFfdp73ojVdS/gHpIUIwZq8AWAECMoh2Qo6EQ6EQ6IQ6MQ6Juu//Hv/v/M406uvO+9/W/X3x38tYUAIiiA6j6f52XzUI
        ooooogQ4oBY5bQEHUAG61KSLwCqmMzJCSKBMnisiNpntG85c7LcAXwEKMoh2Qo6EQ6EQ6ERaQQ6FTP/2v/b2vWr4RU+fxPXsdnLw+lVKB9Hn
        gRs/rOVAJGwDzzzzzzzbvm7zp83nQlt0wCYM7HPUUAL3HpvmiJAJiwnklbCkSSvaOfFKxKbg
        """
}
