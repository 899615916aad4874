"""From exec of skua-dataplane on an existing image to its first answer. Usage: restart.py BUILD [RECORDS] [TIMES]"""
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from load import first_answer
from make_zone import ORIGIN, address, write_zone

PORT = 5398


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    count, times = (int(word) for word in (sys.argv[2:] + ["1000000", "20"][len(sys.argv) - 2:]))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        zone, run = os.path.join(directory, ORIGIN + "zone"), os.path.join(directory, "run")
        with open(zone, "w", encoding="ascii") as file:
            write_zone(file, count)
        quiet = ["--runtime-dir", run, "--log-level", "error"]
        control = subprocess.Popen([f"{build}/skua-control", "--http", "off", *quiet, zone])
        took = []
        try:
            for turn in range(times + 1):
                started = time.monotonic()
                dataplane = subprocess.Popen([f"{build}/skua-dataplane", "--listen", f"127.0.0.1:{PORT}", *quiet])
                answered = first_answer(PORT, f"h{count - 1}.{ORIGIN}", address(count - 1), started + 60)
                dataplane.send_signal(signal.SIGKILL)
                dataplane.wait()
                if turn > 0:  # in the first turn control was still reading
                    took.append((answered - started) * 1000)
        finally:
            control.terminate()
            control.wait()
        took.sort()
        print(f"{count} records: exec of the dataplane to its first answer, {times} times after kill -9: "
              f"median {statistics.median(took):.1f} ms, max {took[-1]:.1f} ms")


main()
