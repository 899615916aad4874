"""dispatcher_test: AF_XDP on an interface that has another XDP program, by libxdp's dispatcher, on Debian's kernel.

The host's kernel may forbid what the dispatcher is made of (programs that extend others), hence the guest.
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import cases
from cases import case, expect, expect_equal
from guest import Card
from machine import Machine
from serving import Serving, answers, ask, pings

OTHER = "/lib/other.o"
SOURCE = ('struct xdp_md { unsigned int data; };\n__attribute__((section("xdp"), used)) int other_program(struct xdp_md *context)\n{\n\treturn 2;\n}\n'
          'char license_text[] __attribute__((section("license"), used)) = "GPL";\n')


def compile_other(folder):
    """The other program, which passes everything."""
    (folder / "other.c").write_text(SOURCE)
    subprocess.run(["clang", "-O2", "-g", "-target", "bpf", "-c", str(folder / "other.c"), "-o", str(folder / "other.o")], check=True)
    return {OTHER: folder / "other.o"}


guest = Machine("dispatcher", [Card("virtio", queues=2)], files=compile_other, has_iommu=False)
card = guest.cards[0]


def interface():
    guest.must(f"modprobe virtio_net; bind {card.pci} virtio-pci")
    name = cases.eventually(lambda: guest.run(f"net_of {card.pci}")[1].strip(), f"an interface on {card.pci}")
    guest.must(f"ip link set {name} up; ip addr replace {card.address4}/24 dev {name}; "
               f"ip -6 addr replace {card.address6}/64 dev {name} nodad")
    return name


def programs(name):
    """{program: ids} on the interface, as xdp-loader tells."""
    found = {}
    for line in guest.must(f"xdp-loader status {name}").splitlines():
        entry = re.search(r"\b(xdp_dispatcher|other_program|skua_steer)\s+(?:native|skb)?\s*(\d+)", line)
        if entry:
            found.setdefault(entry[1], []).append(entry[2])
    return found


def expect_beside(name):
    found = programs(name)
    expect_equal({program: len(ids) for program, ids in found.items()}, {"xdp_dispatcher": 1, "other_program": 1, "skua_steer": 1}, "programs")
    return found["skua_steer"][0]


@case("dispatcher: beside another program: answers, and the kernel has the rest; after a stop and after kill -9 it is there once, and anew")
def beside():
    name = interface()
    guest.must(f"xdp-loader load -m native {name} {OTHER}")
    expect_equal(sorted(programs(name)), ["other_program", "xdp_dispatcher"], "programs before")
    seen = set()
    for _ in range(2):
        with Serving(guest, f"--io af_xdp:{name} --workers 2") as skua:
            answers(guest, card)
            answers(guest, card, "+tcp")
            pings(guest, card)
            expect(f"af_xdp {name} queue 0 (native" in skua.workers()[0]["io"], skua.status())
            seen.add(expect_beside(name))
            code, output = guest.run(f"skua-dataplane --io af_xdp:{name} --runtime-dir /tmp/second 2>&1", 60)
            expect(code == 1 and f"another Skua serves {name}" in output, f"{code}: {output}")
            seen.add(expect_beside(name))
            guest.must("kill -9 $(pidof skua-dataplane)")
            cases.eventually(lambda: "192.0.2.1" in ask(guest, card.address4, "A", "+short"), "an answer after kill -9", 60)
            answers(guest, card)
            seen.add(expect_beside(name))
        seen.add(expect_beside(name))  # left behind, and without sockets: all is the kernel's
        pings(guest, card)
    expect_equal(len(seen), 4, "programs of four starts")


@case("dispatcher: nothing but what an earlier start has left: it goes, and Skua has the interface by a link of its own, which leaves with it")
def alone():
    name = interface()
    if "other_program" not in programs(name):
        guest.must(f"xdp-loader load -m native {name} {OTHER}")
        with Serving(guest, f"--io af_xdp:{name}"):
            answers(guest, card)
    guest.must(f"xdp-loader unload {name} --id {programs(name)['other_program'][0]}")
    expect_equal(sorted(programs(name)), ["skua_steer", "xdp_dispatcher"], "what is left")
    with Serving(guest, f"--io af_xdp:{name}"):
        answers(guest, card)
        expect_equal({program: len(ids) for program, ids in programs(name).items()}, {"skua_steer": 1}, "programs")
    expect_equal(programs(name), {}, "programs after a stop")


@case("dispatcher: where its bpffs is not to be had, it is refused with what to do, and stays as it was")
def without_bpffs():
    name = interface()
    guest.must(f"xdp-loader load -m native {name} {OTHER}")
    code, output = guest.run(f"LIBXDP_BPFFS=/nowhere skua-dataplane --io af_xdp:{name} --runtime-dir /tmp/second 2>&1", 60)
    expect(code == 1 and "libxdp's dispatcher" in output and "mount -t bpf" in output, f"{code}: {output}")
    expect_equal(sorted(programs(name)), ["other_program", "xdp_dispatcher"], "programs")
    guest.must(f"xdp-loader unload {name} --all")


guest.main()
