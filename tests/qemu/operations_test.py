"""operations_test: what happens to PCI cards while DPDK drives them: several queues, the link goes and comes, the card is removed."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import cases
from cases import case, expect
from guest import Card
from machine import Machine
from serving import Load, Serving, answers, ask, neighbours

guest = Machine("operations", [Card("virtio", queues=2, removable=True), Card("e1000e"), Card("vmxnet3")])


def give_to_vfio(card):
    guest.must(f"bind {card.pci} vfio-pci")
    neighbours(guest, card)


@case("operations: two workers on two queues of a virtio card both answer")
def queues():
    card = guest.cards[0]
    give_to_vfio(card)
    with Serving(guest, f'--kernel off --io "dpdk:-a {card.pci}" --workers 2') as skua:
        def both_asked():
            answers(guest, card)
            return all(worker["queries"] > 0 for worker in skua.workers()[:2])
        cases.eventually(both_asked, "queries at both workers", 120)


@case("operations: more workers than queues are refused with the reason")
def too_many_workers():
    card = guest.cards[1]
    give_to_vfio(card)
    code, output = guest.run(f'timeout 30 skua-dataplane --runtime-dir /tmp/none --io "dpdk:-a {card.pci}" --workers 2 2>&1')
    expect(code == 1 and "has 1 queue" in output and "--workers" in output, f"{code}: {output}")


def follows_link(card):
    give_to_vfio(card)
    with Serving(guest, f'--kernel off --io "dpdk:-a {card.pci}" --idle adaptive') as skua:
        answers(guest, card)
        guest.qmp("set_link", name=f"net{card.number}", up=False)
        skua.until("! skua status >/tmp/status && grep -q 'the interface has no link' /tmp/status", "not ready, with the reason")
        expect(skua.metrics()["skua_interface_up"] == 0, "the metric without a link")
        guest.qmp("set_link", name=f"net{card.number}", up=True)
        skua.until("skua status >/tmp/status", "ready again")
        answers(guest, card)


for each in guest.cards:
    case(f"operations: {each.model}: not ready without a link, and answers when it is back")(lambda card=each: follows_link(card))

@case("operations: a card that is removed under load is let go of, and taken again when it is back")
def removed():
    card = guest.cards[0]
    give_to_vfio(card)
    with Serving(guest, f'--kernel off --io "dpdk:-a {card.pci}"') as skua, Load(guest, card.address4):
        cases.eventually(lambda: skua.workers()[0]["answers"] > 100, "answers under load")
        guest.qmp("device_del", id=f"dev{card.number}")
        skua.until(f"[ ! -e /sys/bus/pci/devices/{card.pci} ]", "the card is gone")
        skua.until("! skua status >/dev/null", "not ready")
        expect("the card is to be removed" in skua.log() and "exit_code=4" in skua.log(), skua.log())
        cases.eventually(lambda: "DPDK found no port" in skua.log(), "a new start that finds no card")
        guest.qmp("device_add", **card.device(guest.has_iommu))
        skua.until(f"[ -e /sys/bus/pci/devices/{card.pci} ]", "the card is back")
        guest.must(f"bind {card.pci} vfio-pci")
        skua.until("skua status >/dev/null", "ready again")
        answers(guest, card)


guest.main()
