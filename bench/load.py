"""From zone file to first answer: time, and memory of both programs together.

Usage: load.py BUILD [RECORDS]
Starts `skua serve` on one core (taskset) with a generated zone, and asks for the last name until it is answered. Memory is what
both programs hold without shared memory (/proc/*/status), the image's file, which counts once whoever has touched it, and control's peak.
"""
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from make_zone import ORIGIN, address, write_zone


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return struct.pack(">HHHHHH", 4711, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def first_answer(port, name, expected, deadline):
    query = question(name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.002)
        client.connect(("127.0.0.1", port))
        while time.monotonic() < deadline:
            try:
                client.send(query)
                reply = client.recv(4096)
            except OSError:
                time.sleep(0.0005)
                continue
            if reply.endswith(socket.inet_aton(expected)):
                return time.monotonic()
    sys.exit("load: no right answer in time")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def memory(pid, field):
    """Megabytes of one line of /proc/<pid>/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{field}:\s+(\d+) kB", file.read(), re.M).group(1)) / 1024


def print_memory(pids, runtime_dir):
    time.sleep(1)  # what loading needed has been given back
    own = sum(memory(pid, "RssAnon") + memory(pid, "RssFile") for pid in pids)
    image = sum(os.stat(os.path.join(runtime_dir, name)).st_blocks * 512 for name in os.listdir(runtime_dir)) / 2**20
    print(f"memory, both programs: {own:.0f} MB of their own and {image:.0f} MB of image, {own + image:.0f} MB in all; "
          f"peak of one program while loading {max(memory(pid, 'VmHWM') for pid in pids):.0f} MB")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        zone = os.path.join(directory, ORIGIN + "zone")
        with open(zone, "w", encoding="ascii") as file:
            write_zone(file, count)
        command = ["taskset", "-c", "0", f"{build}/skua", "serve", "--listen", "127.0.0.1:5399", "--http", "off",
                   "--log-level", "warning", "--runtime-dir", os.path.join(directory, "run"), zone]
        started = time.monotonic()
        serve = subprocess.Popen(command)
        try:
            answered = first_answer(5399, f"h{count - 1}.{ORIGIN}", address(count - 1), started + 120)
            print(f"{count} A records, {os.path.getsize(zone) / 1e6:.1f} MB, one core: "
                  f"{answered - started:.2f} s from exec to first answer")
            print_memory(children(serve.pid), os.path.join(directory, "run"))
        finally:
            serve.terminate()
            serve.wait()


if __name__ == "__main__":
    main()
