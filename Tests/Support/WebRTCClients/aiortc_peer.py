"""aiortc as WHIP publisher of moving bars and a tone, or as WHEP player that decodes.

    aiortc_peer.py publish|play URL [--codec H264|VP8] [--seconds N]

Prints one JSON object in the end.
"""
import argparse
import asyncio
import json
import sys
import urllib.parse

import aiohttp
import aioice.ice
import av
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpsender import RTCRtpSender

# It never offers loopback by itself, which may be the only network there is.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Bars(VideoStreamTrack):
    number = 0

    async def recv(self):
        time, base = await self.next_timestamp()
        frame = av.VideoFrame(640, 360, "yuv420p")
        light, *colours = frame.planes
        row = bytes(235 if (x + 4 * self.number) % light.line_size < 80 else 16 for x in range(light.line_size))
        light.update(row * light.height)
        for colour in colours:
            colour.update(bytes([128]) * colour.buffer_size)
        self.number += 1
        frame.pts, frame.time_base = time, base
        return frame


def prefer(transceiver, codec):
    codecs = RTCRtpSender.getCapabilities("video").codecs
    names = ("video/" + codec.lower(), "video/rtx")
    transceiver.setCodecPreferences([c for c in codecs if c.mimeType.lower() in names])


async def count(track, frames):
    try:
        while True:
            await track.recv()
            frames[track.kind] = frames.get(track.kind, 0) + 1
    except MediaStreamError:
        pass


async def main(wish):
    peer, frames, counters = RTCPeerConnection(), {}, []
    peer.on("track", lambda track: counters.append(asyncio.ensure_future(count(track, frames))))
    if wish.role == "publish":
        prefer(peer.addTransceiver(Bars(), direction="sendonly"), wish.codec)
        peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    else:
        prefer(peer.addTransceiver("video", direction="recvonly"), wish.codec)
        peer.addTransceiver("audio", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with aiohttp.ClientSession() as http:
        headers = {"Content-Type": "application/sdp"}
        async with http.post(wish.url, data=peer.localDescription.sdp.encode(), headers=headers) as reply:
            answer = await reply.text()
            if reply.status != 201:
                print(json.dumps({"error": f"HTTP {reply.status}: {answer}"}))
                return
            place = urllib.parse.urljoin(str(reply.url), reply.headers["Location"])
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await asyncio.sleep(wish.seconds)
        result = {"state": peer.connectionState, "frames": frames}
        for stat in (await peer.getStats()).values():
            if stat.type in ("inbound-rtp", "outbound-rtp"):
                result[stat.kind] = {
                    name: getattr(stat, name) for name in ("packetsSent", "packetsReceived", "packetsLost")
                    if hasattr(stat, name)
                }
        async with http.delete(place) as reply:
            result["deleted"] = reply.status
    await peer.close()
    print(json.dumps(result))


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=("publish", "play"))
parser.add_argument("url")
parser.add_argument("--codec", default="H264")
parser.add_argument("--seconds", type=float, default=6)
if __name__ == "__main__":
    sys.exit(asyncio.run(main(parser.parse_args())))
