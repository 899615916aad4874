"""dpdk_memory_test: what DPDK needs of huge pages is said before it starts, and is what it takes."""

import os
import pathlib
import re
import subprocess

import cases
import namespace
from cases import Skip, case, expect, expect_equal
from on_dpdk import needs_dpdk, refused
from process import Process
from skua import build_folder

RESERVE = pathlib.Path("/proc/sys/vm/nr_hugepages")
FREE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
DEVICES = (("--vdev=net_null0,no-rx=1", 1), ("--vdev=net_null0,no-rx=1", 6), ("--vdev=net_null0,no-rx=1 --vdev=net_ring0", 1),
           ("--vdev=net_af_packet0,iface=mem0,qpairs=2", 2))  # the last is shared with the kernel


class Dataplane(Process):
    """A dataplane by itself, on ports that nobody sends to."""

    name = "skua-dataplane"

    def __init__(self, io, workers):
        super().__init__()
        self.launch([build_folder() / "skua-dataplane", "--runtime-dir", self.folder, "--workers", str(workers), "--io", f"dpdk:{io}"])
        self.wait_ready(lambda: f"running worker={workers - 1} " in self.log())


class Reserved:
    """Huge pages for the time of a test; none at first."""

    def __enter__(self):
        if os.geteuid() != 0 or not FREE.exists():
            raise Skip("huge pages of 2 MiB need root")
        self.before = RESERVE.read_text()
        self.set(0)
        if int(FREE.read_text()) != 0:
            self.__exit__()
            raise Skip("the huge pages of this machine are in use")
        return self

    def set(self, pages):
        RESERVE.write_text(str(pages))
        if pages and int(RESERVE.read_text()) != pages:
            raise Skip(f"this machine has no {pages} huge pages to give")

    def __exit__(self, *unused):
        RESERVE.write_text(self.before)


def expect_refused(io, workers, pattern):
    code, output = refused(io, workers=workers)
    found = re.search(pattern, output)
    expect(code == 1 and found, f"{io} with {workers} workers: {code}, {output}")
    return int(found[1])


@case("dpdk memory: too few huge pages: refused with the number to set; with it set, it starts and takes nearly as much")
def huge_pages():
    needs_dpdk()
    with Reserved() as reserved:
        for io, workers in DEVICES:
            reserved.set(0)
            pages = expect_refused(io, workers, r"huge pages for .*: echo (\d+) > /proc/sys/vm/nr_hugepages, or do without")
            reserved.set(pages - 1)
            expect_equal(expect_refused(io, workers, r"echo (\d+) > /proc/sys/vm/nr_hugepages"), pages, "the number with one too few")
            reserved.set(pages)
            with Dataplane(io, workers):
                free = int(FREE.read_text())
                expect(free <= 4, f"{io} with {workers} workers: of {pages} pages that were wanted {free} are free")
            expect_equal(int(FREE.read_text()), pages, "huge pages that are free after the end")


@case("dpdk memory: without huge pages: refused with the -m to say; with it, it starts")
def plain_memory():
    needs_dpdk()
    for io, workers in DEVICES:
        megabytes = expect_refused(f"--no-huge -m 8 {io}", workers, r"but --no-huge has 8: -m (\d+) behind --io dpdk:")
        with Dataplane(f"--no-huge -m {megabytes} {io}", workers):
            pass


@case("dpdk memory: huge pages that another program has been promised do not count")
def promised():
    needs_dpdk()
    with Reserved() as reserved:
        io, workers = DEVICES[0]
        pages = expect_refused(io, workers, r"echo (\d+) > /proc/sys/vm/nr_hugepages")
        reserved.set(pages)
        promise = ("import mmap, sys\nwith mmap.mmap(-1, 2 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | 0x40000):\n"
                   "    print('held', flush=True)\n    sys.stdin.read()\n")
        with subprocess.Popen(["/usr/bin/python3", "-c", promise], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            expect_equal(other.stdout.readline().strip(), "held", "the other program")
            expect_equal(expect_refused(io, workers, r"echo (\d+) > /proc/sys/vm/nr_hugepages"), pages + 1, "the number beside it")
            other.stdin.close()
            other.wait(30)


namespace.enter_own()
subprocess.run(["ip", "link", "add", "mem0", "type", "veth", "peer", "name", "mem1"], check=True)
cases.main()
