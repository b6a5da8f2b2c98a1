"""Makes the table of ops/bench-hls: medians of requests a CPU second, and the ratio to nginx."""

import statistics
import sys

rates, failures = {}, {}
for line in open(sys.argv[1]):
    what, server, requests, ticks, failed = line.split()
    rates.setdefault((what, server), []).append(int(requests) / max(int(ticks), 1) * 100)
    failures[what, server] = failures.get((what, server), 0) + int(failed)

wanted = {"playlist": 0.4, "segment": 1.2}
print(f"{'':10}{'server':10}{'requests a CPU s':>18}{'× nginx':>9}{'wanted':>8}{'failed':>8}")
for what in wanted:
    base = statistics.median(rates[what, "nginx"])
    for server in "nginx", "millrace":
        rate = statistics.median(rates[what, server])
        ratio = "" if server == "nginx" else f"{rate / base:.2f}"
        target = "" if server == "nginx" else f"{wanted[what]:.1f}"
        print(f"{what:10}{server:10}{rate:18.0f}{ratio:>9}{target:>8}{failures[what, server]:8}")
print(f"a segment has {sys.argv[2]} bytes")
