"""dpdk_memif_test: peers of a memif that come, overload the link and are killed."""

import os
import re
import signal
import tempfile

import cases
from cases import LONG, case, eventually, expect, expect_equal
from frozen import Frozen
from on_dpdk import Peer, expect_load, generate, memif


@case("dpdk memif: peers that are killed under load, again and again: the dataplane lives, and answers the next one")
def peers_killed():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        before = server.dataplane()
        for turn in range(100 if LONG else 12):
            with Peer(folder):
                expect_load(server)
            expect_equal(server.dataplane(), before, f"the process after turn {turn}: {server.log()[-1500:]}")
        run = generate(folder)
        expect(run["answered_per_s"] > 0 and run["wrong"] == 0, f"after the last: {run}")
        expect_equal(server.dataplane(), before, "the process")


@case("dpdk memif: a peer that goes while a worker is held anywhere in its loop: its rings stay until the worker has left them")
def held():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        before = server.dataplane()
        for turn in range(40 if LONG else 8):
            with Peer(folder) as peer:
                expect_load(server)
                with Frozen(before, "skua-worker-0") as frozen:
                    peer.child.kill()
                    eventually(lambda: server.metrics().get("skua_interface_up") == 0, "the peer's end is seen")
                    expect(not frozen.ended(), "the dataplane ended")
            run = generate(folder)
            expect(run["answered_per_s"] > 0 and run["wrong"] == 0, f"after turn {turn}: {run}")
            expect_equal(server.dataplane(), before, f"the process after turn {turn}: {server.log()[-1500:]}")


@case("dpdk memif: a peer that does not read: replies are lost one by one and counted; no buffer is lost, and the next peer has its answers")
def deaf_peer():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        before = server.dataplane()
        for _ in range(3):
            lost = server.metrics().get("skua_drop_tx_full_total", 0)
            with Peer(folder, "--rate", "1000000", "--deaf"):
                eventually(lambda want=lost: server.metrics().get("skua_drop_tx_full_total", 0) > want + 10000, "lost replies are counted")
            run = generate(folder)
            expect(run["answered_per_s"] > 0 and run["wrong"] == 0, f"after the overload: {run}")
        counts = server.metrics()
        expect(counts["skua_port_buffers_free"] > 0, f"no buffer is free: {counts['skua_port_buffers']}")
        os.kill(server.dataplane(), signal.SIGTERM)
        closed = eventually(lambda: re.search(r"port closed port=net_memif0 buffers=(\d+) missing=(\d+)", server.log()), "the port's end")
        expect(int(closed[1]) > 2048 and int(closed[2]) == 0, f"buffers that did not come back: {closed[0]}")
        expect("the port has no free buffer" not in server.log(), server.log())
        eventually(lambda: server.dataplane() != before, "serve has started it again")


cases.main()
