"""drivers_test: without an IOMMU: cards on uio_pci_generic for DPDK, and AF_XDP on the drivers of Debian's kernel, with its VLANs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import cases
from cases import case, expect, expect_equal
from guest import Card
from machine import Machine
from serving import Serving, Shared, answers, pings
from skua import SOURCES

KERNEL_DRIVERS = {"virtio": "virtio-pci", "e1000": "e1000"}
VLAN, VLAN_ADDRESS = 7, "198.18.70.1"

guest = Machine("drivers", [Card("virtio", queues=2), Card("e1000")], has_iommu=False)
virtio, e1000 = guest.cards


def by_uio(card):
    guest.must(f"modprobe tun; bind {card.pci} uio_pci_generic")
    with Shared(guest, card) as skua:
        answers(guest, card)
        pings(guest, card)
        answers(guest, card, "+tcp")
        expect("privileges given up uid=900" in skua.log() and "system calls are filtered" in skua.log(), skua.log())


for each in guest.cards:
    case(f"drivers: {each.model} by uio_pci_generic: DPDK answers, and the kernel has the rest")(lambda card=each: by_uio(card))


def interface(card):
    """The kernel's own interface on the card, with addresses and a VLAN on top; its name."""
    guest.must(f"modprobe virtio_net; bind {card.pci} {KERNEL_DRIVERS[card.model]}")
    name = cases.eventually(lambda: guest.run(f"net_of {card.pci}")[1].strip(), f"an interface on {card.pci}")
    guest.on_client("ip", "neigh", "flush", "all")
    guest.must(f"ip link set {name} up; ip addr replace {card.address4}/24 dev {name}; "
               f"ip -6 addr replace {card.address6}/64 dev {name} nodad")
    guest.must(f"modprobe 8021q; ip link add link {name} name vlan{VLAN} type vlan id {VLAN}; "
               f"ip addr add {VLAN_ADDRESS}/24 dev vlan{VLAN}; ip link set vlan{VLAN} up; "
               f"ip neigh replace 198.18.70.2 lladdr {card.client_mac} dev vlan{VLAN}")
    return name


def ask_tagged(card, address):
    """VLAN, rcode and answer of what comes back for a query on VLAN 7."""
    return guest.on_client("/usr/bin/python3", SOURCES / "tests" / "system" / "tagged.py", card.tap, card.mac,
                           "198.18.70.2" if address == VLAN_ADDRESS else card.client4, address, VLAN, "www.x.test")[1].strip()


@case("drivers: virtio's own driver: AF_XDP in native mode on two queues, and the kernel has the rest")
def af_xdp_native():
    name = interface(virtio)
    with Serving(guest, f"--io af_xdp:{name} --workers 2") as skua:
        answers(guest, virtio)
        answers(guest, virtio, "+tcp")
        pings(guest, virtio)
        expect(all(f"af_xdp {name} queue {i} (native" in skua.workers()[i]["io"] for i in (0, 1)), skua.status())
        expect_equal(sum(worker["answers"] for worker in skua.workers()[:2]), 6, "answers of the XDP workers")
        for address in (virtio.address4, VLAN_ADDRESS):
            expect_equal(ask_tagged(virtio, address), f"{VLAN} 0 192.0.2.1", f"VLAN, rcode and answer from {address}")
    guest.must(f"ip link del vlan{VLAN}; ip link set {name} down")


@case("drivers: e1000's own driver: AF_XDP in generic mode; VLANs are answered when the card leaves the tags in")
def af_xdp_generic():
    name = interface(e1000)
    guest.must(f"ethtool -K {name} rxvlan off")
    with Serving(guest, f"--io af_xdp:{name}") as skua:
        answers(guest, e1000)
        expect(f"af_xdp {name} queue 0 (generic" in skua.workers()[0]["io"], skua.status())
        expect_equal(ask_tagged(e1000, VLAN_ADDRESS), f"{VLAN} 0 192.0.2.1", "VLAN, rcode and answer")
    guest.must(f"ip link del vlan{VLAN}; ip link set {name} down")


guest.main()
