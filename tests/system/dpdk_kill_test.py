"""dpdk_kill_test: kill -9 of a dataplane on DPDK under load, again and again: the next start succeeds at once, and nothing is left behind.

Five times each, a hundred times with SKUA_LONG=yes.
"""

import os
import pathlib
import signal
import statistics
import tempfile
import time

import cases
from cases import LONG, Skip, case, eventually, expect, expect_equal
from load import Load, write_load_zone
from namespace import Link
from on_dpdk import MEMORY, SERVER4, Peer, expect_load, generate, memif, needs_dpdk, over_veth

TIMES = 100 if LONG else 5
RESERVE = pathlib.Path("/proc/sys/vm/nr_hugepages")
FREE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
PAGES = 16


def left_behind():
    """What DPDK is known to leave: files of huge pages, and of the process in the runtime folder."""
    folders = (pathlib.Path("/dev/hugepages"), pathlib.Path("/var/run/dpdk/rte"))
    return sorted(str(path) for folder in folders if folder.exists() for path in folder.iterdir())


def kill(server):
    """Until the next dataplane has said that it answers; seconds."""
    before = server.log().count(" answering ")
    began = time.monotonic()
    os.kill(server.dataplane(), signal.SIGKILL)
    eventually(lambda: server.log().count(" answering ") > before, "the next dataplane")
    return time.monotonic() - began


def expect_clean(server, before):
    log = server.log()
    expect_equal(log.count("a daemon died"), TIMES, "deaths")
    expect_equal(log.count("signal=9"), TIMES, "deaths by us: no start failed")
    expect(" error dataplane.main" not in log, log)
    expect_equal(left_behind(), before, "files that DPDK left behind")


def tell(what, milliseconds):
    milliseconds.sort()
    print(f"   {TIMES} kills, {what}: median {statistics.median(milliseconds):.0f} ms, max {milliseconds[-1]:.0f} ms", flush=True)


class Client:
    def __init__(self, link):
        self.link = link

    def words(self, *words):
        return ["ip", "netns", "exec", self.link.client, *map(str, words)]


def killed_on_a_veth(memory):
    needs_dpdk()
    before = left_behind()
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, Link() as link:
        zone = write_load_zone(pathlib.Path(folder))
        with over_veth(link, zone, memory=memory) as server:
            load = Load(Client(link), SERVER4)
            try:
                load.milliseconds_to_answer()
                gaps = []
                for _ in range(TIMES):
                    os.kill(server.dataplane(), signal.SIGKILL)
                    gaps.append(load.milliseconds_to_answer())
                    answered = load.tally()["answered"]
                    eventually(lambda want=answered: load.tally()["answered"] > want + 1000, "the load goes on")
                load.end()
            finally:
                load.close()
            eventually(lambda: server.log().count(" answering ") == TIMES + 1, "the last start in the log")
            expect_clean(server, before)
    tell("kill to the first right answer", gaps)


@case("dpdk kill: net_af_packet, without huge pages")
def af_packet():
    killed_on_a_veth(MEMORY)


@case("dpdk kill: net_af_packet, on huge pages, which are all free again after the end")
def huge_pages():
    if os.geteuid() != 0 or not FREE.exists():
        raise Skip("huge pages of 2 MiB need root")
    reserved = RESERVE.read_text()
    RESERVE.write_text(str(int(reserved) + PAGES))
    try:
        free = int(FREE.read_text())
        if free < PAGES:
            raise Skip(f"this machine has no {PAGES} huge pages to give")
        killed_on_a_veth("")
        expect_equal(int(FREE.read_text()), free, "free huge pages")
    finally:
        RESERVE.write_text(reserved)


@case("dpdk kill: memif, whose socket is left behind each time")
def over_memif():
    needs_dpdk()
    before, gaps = left_behind(), []
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        for _ in range(TIMES):
            with Peer(folder):
                expect_load(server)
                gaps.append(kill(server) * 1000)
        run = generate(folder)
        expect(run["answered_per_s"] > 0 and run["wrong"] == 0, f"after the last: {run}")
        expect_clean(server, before)
    tell("kill to the next that answers", gaps)


cases.main()
