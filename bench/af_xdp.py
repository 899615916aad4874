"""Answers over AF_XDP on a veth pair between two network namespaces, asked by kxdpgun.

Usage: af_xdp.py BUILD [NAMES] [RATE…]
The server is pinned to core 0, kxdpgun to core 1. Needs root. Prints for each offered rate how much was answered."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from make_zone import ORIGIN, write_zone

SECONDS = 5


def run(*words, **options):
    return subprocess.run(words, check=True, text=True, capture_output=True, **options).stdout


class Link:
    """Two namespaces, joined by a veth pair: 198.18.0.1 (server) and 198.18.0.2 (client)."""

    def __init__(self):
        self.server, self.client = f"skua-s{os.getpid()}", f"skua-c{os.getpid()}"

    def __enter__(self):
        for space in (self.server, self.client):
            run("ip", "netns", "add", space)
        run("ip", "-n", self.server, "link", "add", "dns0", "type", "veth", "peer", "name", "dns1", "netns", self.client)
        for space, device, address in ((self.server, "dns0", "198.18.0.1/30"), (self.client, "dns1", "198.18.0.2/30")):
            run("ip", "-n", space, "addr", "add", address, "dev", device)
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "-n", space, "link", "set", device, "up")
        return self

    def __exit__(self, *_):
        for space in (self.server, self.client):
            subprocess.run(["ip", "netns", "del", space], check=False)


def ask(link, queries, rate):
    output = run("ip", "netns", "exec", link.client, "taskset", "-c", "1", "kxdpgun", "-t", str(SECONDS), "-Q", str(rate), "-b", "64",
                 "-i", queries, "-p", "53", "198.18.0.1")
    sent = int(re.search(r"total queries:\s+(\d+)", output).group(1))
    answered = int(re.search(r"total replies:\s+(\d+)", output).group(1))
    print(f"{rate:>8} queries/s offered: {sent} sent, {answered} answered ({100 * answered / sent:.2f} %), "
          f"{answered / SECONDS:.0f} answers/s", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, names = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    rates = [int(word) for word in sys.argv[3:]] or [100000, 200000, 300000, 400000]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory, Link() as link:
        zone, queries = os.path.join(directory, ORIGIN + "zone"), os.path.join(directory, "queries")
        with open(zone, "w", encoding="ascii") as file:
            write_zone(file, names)
        with open(queries, "w", encoding="ascii") as file:
            file.write("".join(f"h{i * 7919 % names}.{ORIGIN} A\n" for i in range(names)))
        serve = subprocess.Popen(["ip", "netns", "exec", link.server, f"{build}/skua", "serve", "--io", "af_xdp:dns0", "--cores", "0",
                                  "--http", "off", "--log-level", "warning", "--runtime-dir", os.path.join(directory, "run"), zone])
        try:
            time.sleep(2)
            for rate in rates:
                ask(link, queries, rate)
                time.sleep(0.5)
        finally:
            serve.terminate()
            serve.wait()


if __name__ == "__main__":
    main()
