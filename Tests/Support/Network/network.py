#!/usr/bin/env python3
"""A network of namespaces for tests, whose links can be cut, slow or lossy.

    network.py NET NODE...

Each node gets a namespace and the address 10.NET.NUMBER.2, NUMBER from 1 in the order of the arguments; this side of it
is 10.NET.NUMBER.1. That way is always whole. From node to node packets take a link of their own, carried by this
program over two TUN devices, because not every kernel has sch_netem. Commands come as lines on stdin:

    link A B [cut] [loss=PERCENT] [delay=MILLISECONDS] [rate=KBIT]     both directions; without words it is whole

Each is answered by a line with `ok`. Namespaces and devices live as long as stdin is open.
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES_MAX = 2048
PACKETS_A_TURN = 64
# What a router of a few tens of megabits would keep.
QUEUE_PACKETS_MAX = 200


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"network: ip {' '.join(words)}: {done.stderr.strip()}")


class Direction:
    """Packets on their way from one device to another."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.is_cut, self.loss, self.delay, self.rate = False, 0.0, 0.0, 0.0
        self.free_at, self.queue = 0.0, []

    def set(self, words):
        self.is_cut, self.loss, self.delay, self.rate = "cut" in words, 0.0, 0.0, 0.0
        for name, _, value in (word.partition("=") for word in words if "=" in word):
            setattr(self, name, float(value))
        if self.is_cut:
            self.queue.clear()

    def take(self, packet, now, number):
        is_lost = random.random() * 100 < self.loss
        if self.is_cut or is_lost or len(self.queue) >= QUEUE_PACKETS_MAX:
            return
        due = now
        if self.rate:
            self.free_at = due = max(self.free_at, now) + len(packet) * 8 / (self.rate * 1000)
        heapq.heappush(self.queue, (due + self.delay / 1000, number, packet))

    def deliver(self, now):
        while self.queue and self.queue[0][0] <= now:
            try:
                os.write(self.target, heapq.heappop(self.queue)[2])
            except OSError:
                # The device's own queue is full: lost, as on any link.
                pass


class Network:
    def __init__(self, net, names):
        self.net, self.names = net, names
        self.made = []
        self.links = {}

    def namespace(self, name):
        return f"mr{self.net}-{name}"

    def address(self, name, side=2):
        return f"10.{self.net}.{self.names.index(name) + 1}.{side}"

    def build(self):
        for name in self.names:
            self.add_node(name)
        for a, b in itertools.combinations(self.names, 2):
            ends = [self.add_end(a, b), self.add_end(b, a)]
            self.links[a, b] = [Direction(*ends), Direction(*reversed(ends))]

    def add_node(self, name):
        space, device = self.namespace(name), f"mr{self.net}v{self.names.index(name)}"
        ip("netns", "add", space)
        self.made.append(["netns", "del", space])
        ip("link", "add", device, "type", "veth", "peer", "name", "up0", "netns", space)
        self.made.append(["link", "del", device])
        ip("addr", "add", f"{self.address(name, 1)}/30", "dev", device)
        ip("link", "set", device, "up")
        for words in (
            ["link", "set", "lo", "up"],
            ["addr", "add", f"{self.address(name)}/30", "dev", "up0"],
            ["link", "set", "up0", "up"],
            ["route", "add", "default", "via", self.address(name, 1)],
        ):
            ip("-n", space, *words)

    def add_end(self, name, other):
        """The device in `name` that leads to `other`."""
        space = self.namespace(name)
        device = f"mr{self.net}t{self.names.index(name)}x{self.names.index(other)}"
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH14x", device.encode(), IFF_TUN | IFF_NO_PI))
        ip("link", "set", device, "netns", space)
        ip("-n", space, "link", "set", device, "up")
        ip("-n", space, "route", "add", self.address(other), "dev", device, "src", self.address(name))
        return end

    def remove(self):
        """A namespace may outlive its name for as long as a socket lingers in it; its link must not."""
        for words in self.made:
            subprocess.run(["ip", *words], capture_output=True)

    def command(self, line):
        words = line.split()
        pair = [directions for names, directions in self.links.items() if set(names) == set(words[1:3])]
        if words[0] != "link" or not pair:
            return f"no such command or link: {line}"
        for direction in pair[0]:
            direction.set(words[3:])
        return "ok"

    def run(self):
        directions = {direction.source: direction for pair in self.links.values() for direction in pair}
        numbers = itertools.count()
        rest = b""
        while True:
            due = min((d.queue[0][0] for d in directions.values() if d.queue), default=time.monotonic() + 1)
            ready, _, _ = select.select([0, *directions], [], [], max(0, due - time.monotonic()))
            now = time.monotonic()
            for end in ready:
                if end == 0:
                    bytes_read = os.read(0, 4096)
                    if not bytes_read:
                        return
                    *lines, rest = (rest + bytes_read).split(b"\n")
                    for line in lines:
                        print(self.command(line.decode()), flush=True)
                else:
                    for packet in packets(end):
                        directions[end].take(packet, now, next(numbers))
            for direction in directions.values():
                direction.deliver(now)


def packets(end):
    for _ in range(PACKETS_A_TURN):
        try:
            yield os.read(end, PACKET_BYTES_MAX)
        except OSError:
            return


def main():
    network = Network(int(sys.argv[1]), sys.argv[2:])
    try:
        network.build()
        print("ok", flush=True)
        network.run()
    finally:
        network.remove()


if __name__ == "__main__":
    main()
