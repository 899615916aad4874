"""vhost_test: what is no query goes to the guest's kernel by vhost-net where that is there, and by the tap where it is not."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from cases import case, expect
from guest import Card
from machine import Machine
from serving import Serving, answers, pings

guest = Machine("vhost", [Card("vmxnet3"), Card("e1000e")])


def naps():
    """How often the housekeeping thread has gone to sleep, three seconds from now. Naps would be thirty thousand."""
    return int(guest.must("sleep 3; cd /proc/$(pidof skua-dataplane)/task; grep -h voluntary_ctxt_switches: "
                          "$(grep -l skua-kernel */comm | sed s/comm/status/)").split()[1])


def shares(card, way):
    guest.must(f"bind {card.pci} vfio-pci")
    guest.must("modprobe tun; ip tuntap add dev skua0 mode tap multi_queue vnet_hdr; ip link set skua0 up; "
               f"ip addr add {card.address4}/24 dev skua0; ip addr add {card.address6}/64 dev skua0 nodad")
    with Serving(guest, f'--io "dpdk:-a {card.pci}"') as skua:
        expect(f"kernel skua0 ({way})" in skua.log(), skua.log())
        for _ in range(2):
            answers(guest, card)
            answers(guest, card, "+tcp")
            pings(guest, card)
        counts = skua.metrics()
        for name in ("to_kernel_taken", "from_kernel_sent"):
            expect(counts[f"skua_{name}_total"] > 10, f"{name}: {counts[f'skua_{name}_total']}")
        first, last = naps(), naps()
        expect(last - first < 5000, f"the housekeeping thread sleeps when nothing comes: {last - first} switches in three seconds")
        guest.qmp("set_link", name=f"net{card.number}", up=False)
        skua.until("ip link show skua0 | grep -q NO-CARRIER", "no link, no carrier")
        guest.qmp("set_link", name=f"net{card.number}", up=True)
        skua.until("ip link show skua0 | grep -q LOWER_UP", "a carrier again")
        answers(guest, card)
        pings(guest, card)
    guest.must("ip link del skua0")


@case("vhost: without vhost-net frames go by the tap")
def by_tap():
    shares(guest.cards[1], "tap")


@case("vhost: with vhost-net they go by that")
def by_vhost():
    guest.must("modprobe vhost_net; ls /dev/vhost-net")
    shares(guest.cards[0], "vhost")


guest.main()
