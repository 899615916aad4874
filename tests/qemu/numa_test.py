"""numa_test: a machine with two NUMA nodes: a replica of the image in the memory of each, a worker on each, and a card that is
far from one of them."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from cases import case, expect, expect_equal
from machine import Machine
from serving import Serving

NODES = [word for node in (0, 1) for word in
         ("-object", f"memory-backend-ram,id=memory{node},size=512M", "-numa", f"node,nodeid={node},cpus={node},memdev=memory{node}")]
# Behind a bridge of the second node, and behind it nothing: this test is not about its packets.
FAR_CARD = ["-device", "pxb-pcie,id=far,bus=pcie.0,bus_nr=128,numa_node=1", "-device", "pcie-root-port,id=farport,bus=far,chassis=9",
            "-device", "virtio-net-pci,disable-legacy=on,romfile=,bus=farport"]

guest = Machine("numa", [], has_iommu=False, options=NODES + FAR_CARD)


def pages(pid):
    """{arena file: nodes that have pages of it} of what a process has mapped and touched."""
    found = {}
    for line in guest.must(f"cat /proc/{pid}/numa_maps").splitlines():
        name = re.search(r"file=\S*(arena\.\S+)", line)
        if name:
            found.setdefault(name[1], set()).update(int(node) for node in re.findall(r"\bN(\d+)=\d", line))
    return found


def near(options=""):
    with Serving(guest, f"--listen 127.0.0.1:53 --workers 2 --cores 0,1 {options}", wait=False) as skua:
        skua.until("skua status >/dev/null", "ready")
        status = json.loads(guest.must("skua status --json"))
        replicas, control = status["image"]["replicas"], status["control"]["pid"]
        expect_equal([item["node"] for item in replicas], [0, 1], "nodes of the replicas")
        expect_equal([item["elsewhere_bytes"] for item in replicas], [0, 0], "memory elsewhere")
        expect_equal([(worker["core"], worker["node"], worker["replica"]) for worker in status["workers"][:2]],
                     [(0, 0, 0), (1, 1, 1)], "core, node and replica of the workers")
        expect_equal({re.sub(r"^arena\.\d+", "", name): nodes for name, nodes in pages(control).items()}, {"": {0}, ".1": {1}},
                     "nodes whose memory holds the replicas")
        for _ in range(20):
            expect("192.0.2.1" in guest.must("skua query www.x.test A"), "a wrong answer")
        expect("can't be bound" not in skua.log() and "refused" not in skua.log(), skua.log())


@case("numa: by itself a replica on each node, in its memory, and a worker that reads it")
def ordinary_pages():
    near()


@case("numa: the same on huge pages")
def huge_pages():
    near("--huge-pages /dev/hugepages")


@case("numa: one replica if told so, which all read")
def one():
    with Serving(guest, "--listen 127.0.0.1:53 --workers 2 --cores 0,1 --replicas 1", wait=False) as skua:
        skua.until("skua status >/dev/null", "ready")
        status = json.loads(guest.must("skua status --json"))
        expect_equal([item["node"] for item in status["image"]["replicas"]], [None], "nodes of the replicas")
        expect_equal([worker["replica"] for worker in status["workers"][:2]], [0, 0], "what the workers read")


@case("numa: a worker whose core is far from its card is told of")
def far_card():
    guest.must("modprobe virtio_pci && modprobe virtio_net")
    name = guest.must("for i in /sys/class/net/*; do [ ! -e $i/device ] || basename $i; done").strip()
    expect_equal(guest.must(f"cat /sys/class/net/{name}/device/../numa_node").strip(), "1", f"node of {name}")
    guest.must(f"ip link set {name} up; ip addr add 198.18.9.1/24 dev {name}")
    said = re.compile(r"another NUMA node than its interface.*worker=0 node=0 .*interface_node=1")
    for core in (0, 1):
        with Serving(guest, f"--io af_xdp:{name} --workers 1 --cores {core}") as skua:
            expect_equal(bool(said.search(skua.log())), core == 0, f"the warning, on core {core}: {skua.log()}")


guest.main()
