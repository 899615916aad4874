"""From exec of skua-dataplane on an existing image to its first answer."""
import os
import subprocess
import time

import figure
import probe
import zones
from make_zone import ORIGIN, address
from results import Failure, Sample

NAME = "restart"
TITLE = "Dataplane, exec to first answer"
WHAT = "`skua-dataplane` on sockets, after `kill -9` of the one before, on the image that a running control has published."
SECONDS = {"full": 40, "quick": 10, "smoke": 4}
DRAWN = ("exec to first answer",)
SERVER = ("127.0.0.1", 5398)


def start_once(bench, run, count):
    """Milliseconds."""
    started = time.monotonic()
    dataplane = subprocess.Popen(["taskset", "-c", "0", f"{bench.build}/skua-dataplane", "--listen", "%s:%d" % SERVER, "--runtime-dir", run,
                                  "--log-level", "error"], stdin=subprocess.DEVNULL)
    try:
        answered = probe.first_answer(SERVER, f"h{count - 1}.{ORIGIN}", address(count - 1), started + 120)
        if answered is None:
            raise figure.Failed("no answer")
        return (answered - started) * 1000
    finally:
        dataplane.kill()
        dataplane.wait()


def measure_size(bench, count, times):
    zone = zones.zone_file(bench, count)
    folder = os.path.join(bench.folder, f"restart-{count}")
    for name in ("run", "state"):
        os.makedirs(os.path.join(folder, name), mode=0o700)
    run = os.path.join(folder, "run")
    control = subprocess.Popen([f"{bench.build}/skua-control", "--http", "off", "--runtime-dir", run, "--log-level", "error",
                                "--state-dir", os.path.join(folder, "state"), zone], stdin=subprocess.DEVNULL)
    try:
        start_once(bench, run, count)  # control was still reading
        for turn in range(times):
            bench.step(f"{count:,} names, {turn + 1} of {times}")
            yield Sample(NAME, "skua", "exec to first answer", start_once(bench, run, count), "ms", f"{count:,} names")
    finally:
        control.terminate()
        control.wait()


def measure(bench):
    for count in bench.choose((10_000, 1_000_000), (10_000, 1_000_000), (100,)):
        try:
            yield from measure_size(bench, count, bench.choose(20, 10, 2))
        except figure.EXPECTED as error:
            yield Failure(NAME, "skua", f"{count:,} names: {error}")
