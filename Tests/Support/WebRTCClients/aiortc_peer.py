"""aiortc as WHIP publisher of moving bars and a tone, or as WHEP player that decodes.

    aiortc_peer.py publish|play URL [--codec H264|VP8] [--seconds N] [--remb BITS] [--via PORT] [--whole]

Prints one JSON object in the end.
"""
import argparse
import asyncio
import json
import re
import sys
import urllib.parse

import aiohttp
import aioice.ice
import av
from aiortc.codecs import h264
from aiortc import rtcrtpreceiver, AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
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


def limit_estimate(maximum):
    """What aiortc tells of its path, on loopback tens of megabits, is no more than this."""
    pack = rtcrtpreceiver.pack_remb_fci
    rtcrtpreceiver.pack_remb_fci = lambda bitrate, sources: pack(min(bitrate, maximum), sources)


def note_payloads(kinds):
    """Types of RFC 6184 section 5.2 that came."""
    parse = h264.H264PayloadDescriptor.parse.__func__

    def noting(cls, data):
        kinds.add(data[0] & 31)
        return parse(cls, data)

    h264.H264PayloadDescriptor.parse = classmethod(noting)


async def count(track, frames, times, sizes):
    try:
        while True:
            frame = await track.recv()
            frames[track.kind] = frames.get(track.kind, 0) + 1
            if track.kind == "video":
                times.append((asyncio.get_running_loop().time(), frame.pts))
                if sizes[-1:] != [frame.height]:
                    sizes.append(frame.height)
    except MediaStreamError:
        pass


async def main(wish):
    peer, frames, counters, times, sizes = RTCPeerConnection(), {}, [], [], []
    payloads = set()
    note_payloads(payloads)
    if wish.remb:
        limit_estimate(wish.remb)
    peer.on("track", lambda track: counters.append(asyncio.ensure_future(count(track, frames, times, sizes))))
    if wish.role == "publish":
        prefer(peer.addTransceiver(Bars(), direction="sendonly"), wish.codec)
        peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    else:
        prefer(peer.addTransceiver("video", direction="recvonly"), wish.codec)
        peer.addTransceiver("audio", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    offer = peer.localDescription.sdp
    if wish.whole:
        offer = offer.replace("packetization-mode=1", "packetization-mode=0")
    async with aiohttp.ClientSession() as http:
        headers = {"Content-Type": "application/sdp"}
        async with http.post(wish.url, data=offer.encode(), headers=headers) as reply:
            answer = await reply.text()
            if reply.status != 201:
                print(json.dumps({"error": f"HTTP {reply.status}: {answer}"}))
                return
            place = urllib.parse.urljoin(str(reply.url), reply.headers["Location"])
        if wish.via:
            answer = re.sub(r"(?m)^(a=candidate:.* udp \d+ )\S+ \d+", rf"\g<1>127.0.0.1 {wish.via}", answer)
        # It knows mode 1 only, which has the packets of mode 0 too.
        known = answer.replace("packetization-mode=0", "packetization-mode=1") if wish.whole else answer
        await peer.setRemoteDescription(RTCSessionDescription(known, "answer"))
        await asyncio.sleep(wish.seconds)
        result = {"state": peer.connectionState, "frames": frames, "sources": {}, "heights": sizes, "answer": answer}
        result["payloads"] = sorted(payloads)
        if times:
            result["sinceLastFrame"] = asyncio.get_running_loop().time() - times[-1][0]
            result["longestPause"] = max((b[0] - a[0] for a, b in zip(times, times[1:])), default=0)
            result["longestGapTicks"] = max((b[1] - a[1] for a, b in zip(times, times[1:])), default=0)
            result["backwards"] = sum(b[1] <= a[1] for a, b in zip(times, times[1:]))
        for receiver in peer.getReceivers():
            if receiver.track:
                result["sources"][receiver.track.kind] = list(receiver._RTCRtpReceiver__remote_streams)
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
parser.add_argument("--via", type=int, help="send what is for the worker to this port of 127.0.0.1 instead")
parser.add_argument("--whole", action="store_true", help="offer H.264 with packetization mode 0 only")
parser.add_argument("--remb", type=int, help="bits per second that the path is said to carry at most")
if __name__ == "__main__":
    sys.exit(asyncio.run(main(parser.parse_args())))
