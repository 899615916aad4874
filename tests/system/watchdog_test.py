#!/usr/bin/python3
"""watchdog_test: a worker that stands still is logged, counted, makes the instance not ready, and then the dataplane start again."""

import os
import pathlib
import re
import signal
import tempfile
import time

import cases
from cases import case, eventually, expect, expect_equal
from frozen import Frozen
from skua import Skua

ZONE = """$ORIGIN watch.test.
$TTL 60
@ IN SOA ns hostmaster 1 3600 900 604800 60
@ IN NS ns
ns IN A 192.0.2.53
"""


class Watched(Skua):
    """Two workers, so that only some queries suffer from the one that is held."""

    def __init__(self, *options):
        self.zone = tempfile.NamedTemporaryFile("w", suffix=".zone")
        self.zone.write(ZONE)
        self.zone.flush()
        super().__init__([f"watch.test={self.zone.name}"], "--workers", "2", *options)

    def close(self):
        self.zone.close()
        return super().close()

    def stuck(self):
        """Numbers of the workers that the metric calls stuck."""
        return [int(number) for number in re.findall(r'^skua_worker_stuck{worker="(\d+)"} 1$', self.http("/metrics")[1], re.M)]

    def ready(self):
        return self.http("/ready")


@case("watchdog: a frozen worker: log, metric, /ready with the reason, and all is well once it moves")
def frozen_worker():
    with Watched("--watchdog", "0") as server:
        pid = server.dataplane()
        expect_equal(server.stuck(), [], "stuck workers before")
        with Frozen(pid, "skua-worker-1"):
            eventually(lambda: server.stuck() == [1], "the metric names worker 1")
            # A probe that is under way was begun before, and knows nothing of it.
            eventually(lambda: server.ready()[0] == 503 and "worker 1 stands still" in server.ready()[1], "/ready names it")
            eventually(lambda: "a worker stands still: its queries get no answer" in server.log(), "the dataplane's line of log")
            expect('"stuck":true' in server.http("/status")[1].replace(" ", ""), "/status")
        eventually(lambda: server.stuck() == [], "the metric is back at 0")
        eventually(lambda: server.ready()[0] == 200, "ready again")
        expect(server.log().count("a worker moves again") == 2, f"both programs say that it moves: {server.log()}")
        expect_equal(server.dataplane(), pid, "the process that answers")


@case("watchdog: the TCP thread is watched as well")
def frozen_stream():
    with Watched("--watchdog", "0") as server, Frozen(server.dataplane(), "stream"):
        eventually(lambda: server.stuck() == [2], "the metric names the line of TCP")
        eventually(lambda: "worker 2 stands still" in server.ready()[1], "/ready names it")


@case("watchdog: after --watchdog seconds the dataplane ends with status 3 and is started again at once")
def started_again():
    with Watched("--watchdog", "3") as server:
        before = server.dataplane()
        with Frozen(before, "skua-worker-0") as frozen:
            eventually(frozen.ended, "the dataplane ends")
        eventually(lambda: server.dataplane() != before and server.ready()[0] == 200, "another dataplane answers")
        log = server.log()
        expect("ending to be started again: a worker stood still for too long" in log, log)
        expect(re.search(r"a daemon died.*exit_code=3.*pause_ms=0", log), log)
        expect_equal(server.query_udp("ns.watch.test.").rcode(), 0, "an answer")


@case("watchdog: SIGTERM ends a dataplane whose worker stands still")
def told_to_stop():
    with Watched("--watchdog", "0") as server:
        before = server.dataplane()
        with Frozen(before, "skua-worker-0") as frozen:
            eventually(lambda: "a worker stands still: its queries get no answer" in server.log(), "it is seen")
            os.kill(before, signal.SIGTERM)
            eventually(frozen.ended, "the dataplane ends")
        eventually(lambda: server.dataplane() != before and server.ready()[0] == 200, "another dataplane answers")
        expect("stopping without the worker that stands still" in server.log(), server.log())


@case("watchdog: a dataplane that is stopped as a whole is seen by control; it does not blame itself for it afterwards")
def stopped_process():
    with Watched("--watchdog", "3") as server:
        pid = server.dataplane()
        os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: server.stuck() == [0, 1, 2], "the metric names all workers")
            eventually(lambda: server.ready()[0] == 503 and "worker 0 stands still" in server.ready()[1], "/ready names it")
            eventually(lambda: "a worker stands still" in server.log(), "the line of log")
            eventually(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", "it is stopped")
            time.sleep(4)  # longer than --watchdog
        finally:
            os.kill(pid, signal.SIGCONT)
        eventually(lambda: server.stuck() == [] and server.ready()[0] == 200, "ready again")
        expect_equal(server.dataplane(), pid, "the process that answers")


cases.main()
