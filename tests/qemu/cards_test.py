"""cards_test: emulated PCI network cards driven by DPDK through vfio-pci and an emulated IOMMU, with real clients."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import bgp
import cases
from cases import case, expect, expect_equal
from guest import Card
from machine import Machine
from serving import Shared, answers, ask, listens, pings

DRIVERS = {"virtio": "net_virtio", "e1000": "net_e1000_em", "e1000e": "net_e1000_em", "vmxnet3": "net_vmxnet3"}

guest = Machine("cards", [Card(model) for model in DRIVERS])


def serves_everything(card):
    """DNS by the worker; ARP, ND, ping, TCP and BGP by the guest's kernel, all through the one card that DPDK drives."""
    guest.must(f"bind {card.pci} vfio-pci")
    with Shared(guest, card) as skua, bgp.Speaker(guest) as speaker:
        answers(guest, card)
        expect(" tc" in ask(guest, card.address4, "TXT", "+ignore", name="big.x.test").lower(), "TC")
        pings(guest, card)
        answers(guest, card, "+tcp")
        expect_equal(ask(guest, card.address4, "TXT", "+short", name="big.x.test").count("xxx\""), 20, "records by UDP, then TCP")
        listens(guest, card.address4, 179)
        cases.eventually(lambda: speaker.state(card) == "Established", "a BGP session", 90)
        expect(f"dpdk {card.pci} queue 0 ({DRIVERS[card.model]}" in skua.workers()[0]["io"], skua.status())
        expect("privileges given up uid=900" in skua.log() and "system calls are filtered" in skua.log(), skua.log())


@case("cards: without the module tun the kernel can share no port: refused, with what to do")
def without_tun():
    card = guest.cards[0]
    guest.must(f"bind {card.pci} vfio-pci")
    code, output = guest.run(f'timeout 60 skua-dataplane --runtime-dir /tmp/none --io "dpdk:-a {card.pci}" 2>&1')
    expect(code == 1 and "modprobe tun" in output, f"{code}: {output}")


@case("cards: tun is there, and bgpd runs in the guest")
def start_bgp():
    guest.must("modprobe tun")
    bgp.start_in(guest)


for each in guest.cards:
    case(f"cards: {each.model} by vfio-pci: dig over UDP and TCP, ping, a BGP session")(lambda card=each: serves_everything(card))

guest.main()
