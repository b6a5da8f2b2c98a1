"""A live HLS origin of made segments: pictures in MPEG-TS, sound apart and packed (RFC 8216 section 3.4).

    origin.py FOLDER PORT

FOLDER has v0.ts, v1.ts, ... of a second each, with times from 0 on, and sound.aac of as long, 48 kHz in ADTS. They become
live one a second, those of the first ten at once.
"""
import http.server
import pathlib
import struct
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
BEGIN = time.monotonic() - 10
WINDOW = 5
MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="tone",DEFAULT=YES,URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS="avc1.42c00d,mp4a.40.2",AUDIO="a"
pictures.m3u8
"""


def frames():
    """Of ADTS: 13 bits of length in each header."""
    data, found, place = (FOLDER / "sound.aac").read_bytes(), [], 0
    while place + 7 <= len(data):
        length = (data[place + 3] & 3) << 11 | data[place + 4] << 3 | data[place + 5] >> 5
        found.append(data[place : place + length])
        place += length
    return found


FRAMES = frames()


def first_frame(second):
    return -(-second * 48000 // 1024)


def sound(second):
    begin, end = first_frame(second), first_frame(second + 1)
    owner = b"com.apple.streaming.transportStreamTimestamp\0"
    private = owner + struct.pack(">Q", begin * 1024 * 90000 // 48000)
    frame = b"PRIV" + struct.pack(">I", len(private)) + b"\0\0" + private
    return b"ID3\4\0\0\0\0\0" + bytes([len(frame)]) + frame + b"".join(FRAMES[begin:end])


def playlist(name):
    newest = int(time.monotonic() - BEGIN)
    first = max(0, newest - WINDOW)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for second in range(first, newest):
        lines += ["#EXTINF:1.0,", name % second]
    return "\n".join(lines) + "\n"


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        if name == "list.m3u8":
            body = MASTER.encode()
        elif name in ("pictures.m3u8", "sound.m3u8"):
            body = playlist("v%d.ts" if name[0] == "p" else "s%d.aac").encode()
        elif name.endswith(".aac"):
            body = sound(int(name[1:-4]))
        else:
            body = (FOLDER / pathlib.Path(name).name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Origin).serve_forever()
