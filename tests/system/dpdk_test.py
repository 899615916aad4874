"""dpdk_test: the DPDK back end without a card: kernel clients over veth and net_af_packet, a generator over memif."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

import cases
from cases import case, expect, expect_equal
from namespace import Link
from on_dpdk import MEMORY, SERVER4, SERVER6, ask, counted, device, generate, memif, over_veth, refused, server_mac
from small_zone import Zone
from skua import SOURCES, build_folder


@case("dpdk: kernel clients over IPv4 and IPv6")
def kernel_clients():
    with Link() as link, Zone() as zone, over_veth(link, zone) as server:
        for address in (SERVER4, SERVER6):
            expect_equal(ask(link, address, "www.x.test", "A", "+short").strip(), "192.0.2.1", f"A from {address}")
            expect_equal(ask(link, address, "www.x.test", "AAAA", "+short").strip(), "2001:db8::1", f"AAAA from {address}")
            expect("NXDOMAIN" in ask(link, address, "nobody.x.test", "A"), f"NXDOMAIN from {address}")
            expect(" tc" in ask(link, address, "big.x.test", "TXT", "+ignore").lower(), f"TC from {address}")
        expect("dpdk net_af_packet0 queue 0 (net_af_packet)" in server.log(), server.log())


@case("dpdk: a tagged query gets a reply with its tag")
def tagged():
    with Link() as link, Zone() as zone, over_veth(link, zone):
        output = link.on_client("/usr/bin/python3", SOURCES / "tests" / "system" / "tagged.py", "dns1", server_mac(link), "198.18.0.2",
                                SERVER4, 7, "www.x.test")[1]
        expect_equal(output.strip(), "7 0 192.0.2.1", "tag, rcode and answer")


@case("dpdk: frames that are not for us are dropped, each with its reason")
def foreign_frames():
    with Link() as link, Zone() as zone, over_veth(link, zone) as server:
        before = counted(link, server, "drop_not_udp"), counted(link, server, "drop_not_ours")
        link.on_client("ping", "-c", "3", "-i", "0.05", "-W", "1", SERVER4)
        for _ in range(3):
            ask(link, SERVER4, "www.x.test", "A", "-p", "5353", "+timeout=1", "+retry=0")
        ask(link, SERVER4, "www.x.test", "A")
        cases.eventually(lambda: counted(link, server, "drop_not_udp") >= before[0] + 3, "three pings counted")
        cases.eventually(lambda: counted(link, server, "drop_not_ours") >= before[1] + 3, "three foreign ports counted")


@case("dpdk: every answer over memif is right, with EDNS and without")
def right_answers():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder):
        for options in ((), ("--edns",)):
            run = generate(folder, *options)
            expect(run["answered_per_s"] > 0, f"nothing was answered: {run}")
            expect_equal(run["wrong"], 0, f"wrong answers of {run}")


@case("dpdk: after kill -9 of the dataplane it comes back over the same memif socket")
def killed():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        for round_number in range(2, 5):
            os.kill(server.dataplane(), signal.SIGKILL)
            cases.eventually(lambda want=round_number: server.log().count(" answering ") >= want, "the dataplane's return")
        run = generate(folder)
        expect(run["answered_per_s"] > 0 and run["wrong"] == 0, f"after kill -9: {run}")


@case("dpdk: without a link it is not ready and says why; the link is seen within seconds")
def link():
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder, memif(folder) as server:
        cases.eventually(lambda: server.metrics().get("skua_interface_up") == 0, "the metric without a peer")
        cases.eventually(lambda: "the interface has no link" in server.http("/ready")[1], "the reason without a peer")
        with subprocess.Popen([str(build_folder() / "bench" / "memif_generator"), "--no-huge", "-m", "128", "--no-shconf", "--no-pci",
                               "--no-telemetry", "--log-level=*:error", device(folder, "client"), "--", "--names", "1000",
                               "--seconds", "30", "--rate", "1000"], stdout=subprocess.DEVNULL) as peer:
            try:
                cases.eventually(lambda: server.metrics().get("skua_interface_up") == 1, "the metric with a peer")
                cases.eventually(lambda: server.http("/ready")[0] == 200, "ready")
            finally:
                peer.kill()
        expect("the interface has no link: no query can come" in server.log() and "the interface is up" in server.log(), server.log())


@case("dpdk: --idle adaptive answers and naps; interrupt is refused with the reason")
def idle():
    with Link() as link, Zone() as zone:
        with over_veth(link, zone, "--idle", "adaptive") as server:
            expect_equal(ask(link, SERVER4, "www.x.test", "A", "+short").strip(), "192.0.2.1", "an answer")
            task = pathlib.Path(f"/proc/{server.dataplane()}/task")
            worker = next(one for one in task.iterdir() if (one / "comm").read_text().strip() == "skua-worker-0")
            naps = lambda: int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (worker / "status").read_text(), re.M)[1])
            before = naps()
            cases.eventually(lambda: naps() > before + 1000, "a thousand naps")
    code, output = refused(f"{MEMORY} --vdev=net_null0", "--idle", "interrupt")
    expect(code == 1 and "--idle interrupt" in output and "poll" in output, f"{code}: {output}")


@case("dpdk: what can't start says what to do")
def refusals():
    for io, *patterns in ((f"{MEMORY} --vdev=net_nonsense0", "net_nonsense0"),
                          (f"{MEMORY} --no-pci", "no port", "--vdev"),
                          (f"{MEMORY} --vdev=net_af_packet0,iface=nosuch0", "main [^:]*: [^:]*: .*(nosuch0|No such device): DPDK could not make the device of "
                           "--vdev: is its interface there", "CAP_NET_RAW"),
                          ("--no-huge -m 1 --no-pci", "--io dpdk names no port", "dpdk:-a ADDRESS", "--vdev"),
                          (f"{MEMORY} --vdev=net_af_packet0,iface=lo,qpairs=1", "has 1 queue", "2 workers", "--workers"),
                          (f"{MEMORY} --vdev='net_null0", "quote"),
                          ("--no-huge -m 4 --vdev=net_null0", r"needs \d+ MiB for 2 queues on each of 1 port, but --no-huge has 4: -m \d+ behind")):
        code, output = refused(io)
        expect_equal(code, 1, f"exit code of {io}: {output}")
        for pattern in patterns:
            expect(re.search(pattern, output), f"{io}: no {pattern!r} in: {output}")
        expect("0 ports" not in output and not ("--vdev" in io and "vfio-pci" in output), f"{io}: {output}")


cases.main()
