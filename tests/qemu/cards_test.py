"""cards_test: emulated PCI network cards driven by DPDK through vfio-pci and an emulated IOMMU, with real clients."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from cases import case, expect
from guest import Card
from machine import Machine
from serving import Serving, answers, ask, neighbours

DRIVERS = {"virtio": "net_virtio", "e1000": "net_e1000_em", "e1000e": "net_e1000_em", "vmxnet3": "net_vmxnet3"}

guest = Machine("cards", [Card(model) for model in DRIVERS])


def answers_through(card):
    guest.must(f"bind {card.pci} vfio-pci")
    neighbours(guest, card)
    with Serving(guest, f'--kernel off --io "dpdk:-a {card.pci}"') as skua:
        answers(guest, card)
        expect(" tc" in ask(guest, card.address4, "TXT", "+ignore", name="big.x.test").lower(), "TC")
        expect(f"dpdk {card.pci} queue 0 ({DRIVERS[card.model]})" in skua.status(), skua.status())
        expect("privileges given up uid=900" in skua.log() and "system calls are filtered" in skua.log(), skua.log())


for each in guest.cards:
    case(f"cards: {each.model} by vfio-pci: answers over UDP, privileges given up")(lambda card=each: answers_through(card))

guest.main()
