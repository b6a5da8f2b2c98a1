#!/usr/bin/env python3
"""How sound and pictures of a recording of ops/lib/clock-publisher lie to each other: ops/lib/av_drift.py FILE

Prints, in milliseconds, by how much the tones begin after the flashes at the beginning and at the end (medians of a tenth of
the recording each). Neither may be 20 or more.
"""

import re
import statistics
import subprocess
import sys


def times(file, arguments, pattern):
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-copyts", "-i", file, *arguments, "-f", "null", "-"]
    return [float(each) for each in re.findall(pattern, subprocess.run(command, capture_output=True, text=True).stderr)]


def main():
    file = sys.argv[1]
    # Sound and pictures are read apart, each by the recording's own times (-copyts).
    # The lower left corner, whatever the size.
    corner = "crop=iw/16:ih/12:iw/60:ih*5/6,blackdetect=d=0.1:pix_th=0.5"
    flashes = times(file, ["-map", "0:v:0", "-an", "-vf", corner], r"black_end:([\d.]+)")
    tones = times(file, ["-map", "0:a:0", "-vn", "-af", "silencedetect=noise=-30dB:d=0.1"], r"silence_end: ([\d.]+)")
    lags = []
    for flash in flashes:
        tone = min(tones, key=lambda tone: abs(tone - flash), default=None)
        if tone is not None and abs(tone - flash) < 0.4:
            lags.append((tone - flash) * 1000)
    if len(lags) < 10:
        sys.exit(f"{file}: only {len(lags)} flashes with tones ({len(flashes)} flashes, {len(tones)} tones)")
    tenth = max(5, len(lags) // 10)
    begin, end = statistics.median(lags[:tenth]), statistics.median(lags[-tenth:])
    print(f"{len(lags)} flashes: tones {begin:.1f} ms after them at the beginning, {end:.1f} ms at the end")
    if max(abs(begin), abs(end)) >= 20:
        sys.exit(f"{file}: sound and pictures are 20 ms apart, or more")


if __name__ == "__main__":
    main()
