"""GStreamer's webrtcbin as WHIP publisher of its test picture and tone, or as WHEP player that decodes.

    gstreamer_peer.py publish|play URL [--codec H264|H265|VP8] [--seconds N]

Prints one JSON object in the end.
"""
import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

PEER = "webrtcbin name=peer bundle-policy=max-bundle"
ENCODERS = {
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=600"
            " ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
    "H265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=600"
            " ! video/x-h265,profile=main ! rtph265pay config-interval=-1 aggregate-mode=zero-latency",
    "VP8": "vp8enc deadline=1 keyframe-max-dist=25 target-bitrate=600000 ! rtpvp8pay",
}


class Session:
    def __init__(self, wish):
        self.wish, self.place, self.frames, self.error = wish, None, {}, None
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(self.publishing()) if wish.role == "publish" else self.playing()
        self.peer = self.pipeline.get_by_name("peer")
        # It never offers loopback by itself, which may be the only network there is. 1.22 needs the reference kept.
        self.ice = self.peer.get_property("ice-agent")
        self.ice.emit("add-local-ip-address", "127.0.0.1")
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        if wish.role == "play":
            self.peer.connect("pad-added", self.came)
            self.receive("video", wish.codec, 96, 90000)
            self.receive("audio", "OPUS", 97, 48000)
        self.peer.connect("on-negotiation-needed", self.offer)

    def publishing(self):
        video = f"videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=25/1" \
                f" ! {ENCODERS[self.wish.codec]} pt=96 ! peer. "
        return f"{PEER} {video} audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 ! peer."

    def playing(self):
        # The description of one element makes no pipeline.
        pipeline = Gst.Pipeline.new(None)
        pipeline.add(Gst.parse_launch(PEER))
        return pipeline

    def receive(self, media, codec, number, rate):
        form = f"application/x-rtp,media={media},encoding-name={codec},payload={number},clock-rate={rate}"
        if codec == "OPUS":
            form += ",encoding-params=(string)2"
        if codec == "H264":
            form += ",packetization-mode=(string)1,profile-level-id=(string)42e01f"
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        self.peer.emit("add-transceiver", direction, Gst.Caps.from_string(form))

    def offer(self, peer):
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        reply = promise.get_reply()
        self.peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def gathered(self, peer, _):
        if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.signal)

    def signal(self):
        sdp = self.peer.get_property("local-description").sdp.as_text().encode()
        request = urllib.request.Request(self.wish.url, sdp, {"Content-Type": "application/sdp"})
        try:
            with urllib.request.urlopen(request) as reply:
                self.place = urllib.parse.urljoin(reply.url, reply.headers["Location"])
                _, answer = GstSdp.SDPMessage.new_from_text(reply.read().decode())
        except urllib.error.HTTPError as error:
            self.error = f"HTTP {error.code}: {error.read().decode()}"
            return self.loop.quit()
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, answer)
        self.peer.emit("set-remote-description", description, Gst.Promise.new())
        GLib.timeout_add(int(self.wish.seconds * 1000), self.loop.quit)

    def came(self, _, pad):
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def decoded(self, _, pad):
        sink = Gst.ElementFactory.make("fakesink")
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        kind = pad.get_current_caps().get_structure(0).get_name().split("/")[0]
        pad.add_probe(Gst.PadProbeType.BUFFER, lambda *_: self.count(kind))

    def count(self, kind):
        self.frames[kind] = self.frames.get(kind, 0) + 1
        return Gst.PadProbeReturn.OK

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        state = self.peer.get_property("connection-state").value_nick
        deleted = None
        if self.place:
            with urllib.request.urlopen(urllib.request.Request(self.place, method="DELETE")) as reply:
                deleted = reply.status
        self.pipeline.set_state(Gst.State.NULL)
        return {"state": state, "frames": self.frames, "deleted": deleted, "error": self.error}


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=("publish", "play"))
parser.add_argument("url")
parser.add_argument("--codec", default="H264", choices=ENCODERS)
parser.add_argument("--seconds", type=float, default=6)
if __name__ == "__main__":
    Gst.init(None)
    print(json.dumps(Session(parser.parse_args()).run()))
    sys.stdout.flush()
