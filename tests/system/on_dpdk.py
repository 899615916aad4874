"""on_dpdk: Skua on ports of DPDK that need no card: net_af_packet in namespaces, memif with a generator as its peer."""

import os
import pathlib
import re
import subprocess
import tempfile

from cases import Skip, eventually, expect, expect_equal
from namespace import ip
from skua import SOURCES, Skua, build_folder

MEMORY = "--no-huge -m 128"
# Addresses that only DPDK answers on: the server's kernel has its own, and would refuse the port.
SERVER4, SERVER6 = "198.18.0.9", "2001:db8::9"


class OnPort(Skua):
    """`skua serve` with DPDK for itself, and no --listen; prefix: what its command line starts with."""

    def __init__(self, zones, device, *options, prefix=(), memory=MEMORY, start=True):
        self.prefix = list(prefix)
        super().__init__(zones, "--io", f"dpdk:{memory} {device}", "--kernel", "off", *options, start=start)

    def listen_options(self):
        return []

    def command(self):
        return [*self.prefix, *super().command()]

    def start(self):
        self.launch(self.command())
        self.wait_ready(lambda: " answering " in self.log())


def needs_dpdk():
    if not (build_folder() / "bench" / "memif_generator").exists():
        raise Skip("this build has no DPDK")


def server_mac(link, interface="dns0"):
    return re.search(r"link/ether (\S+)", ip("-n", link.server, "link", "show", interface))[1]


def introduce(link):
    """Tells the client who has Skua's addresses: nobody answers ARP or neighbour solicitation for them."""
    for address in (SERVER4, SERVER6):
        ip("-n", link.client, "neigh", "replace", address, "lladdr", server_mac(link), "dev", "dns1")


def over_veth(link, zone, *options, device="--vdev=net_af_packet0,iface=dns0", memory=MEMORY):
    """Skua on the server's end by net_af_packet."""
    needs_dpdk()
    introduce(link)
    return OnPort([zone], device, *options, prefix=["ip", "netns", "exec", link.server], memory=memory)


def ask(link, server, name, kind, *options):
    return link.on_client("kdig", f"@{server}", name, kind, *options)[1]


def metrics(link, server):
    """/metrics as text: asked for inside the server's namespace, where its HTTP is."""
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{server.http_port}/metrics').read().decode())"
    return subprocess.run(["ip", "netns", "exec", link.server, "/usr/bin/python3", "-c", fetch], stdout=subprocess.PIPE, text=True,
                          timeout=60, check=True).stdout


def counted(link, server, name, labels=""):
    """A counter, summed over workers; labels: a part of what stands in its braces."""
    return sum(float(value) for value in re.findall(rf"^skua_{name}_total{{.*{labels}.*}} (\S+)$", metrics(link, server), re.M))


GENERATOR = ("--no-huge", "-m", "128", "--no-shconf", "--no-pci", "--no-telemetry", "--log-level=*:error")


def device(folder, role):
    return f"--vdev=net_memif0,role={role},id=0,socket={folder}/memif.sock,socket-abstract=no"


def generate(folder, *options):
    """Fields of one run of bench/memif_generator, which checks each answer."""
    done = subprocess.run([str(build_folder() / "bench" / "memif_generator"), *GENERATOR, device(folder, "client"), "--", "--names", "1000",
                           "--seconds", "0.5", *options], stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    fields = dict(word.split("=") for word in done.stdout.split())
    expect("answered_per_s" in fields, f"the generator failed: {done.stdout}")
    return {key: float(value) for key, value in fields.items()}


class Peer:
    """A generator that loads the link until it is killed."""

    def __init__(self, folder, *options):
        self.child = subprocess.Popen([str(build_folder() / "bench" / "memif_generator"), *GENERATOR, device(folder, "client"), "--",
                                       "--names", "1000", "--seconds", "600", *options], stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.child.kill()
        self.child.wait()


def received(server):
    return server.metrics().get("skua_received_total", 0)


def expect_load(server):
    before = received(server)
    eventually(lambda: received(server) > before + 1000, "a thousand queries of the peer")


def memif(folder):
    needs_dpdk()
    zone = pathlib.Path(folder, "epc.zone")
    subprocess.run(["/usr/bin/python3", str(SOURCES / "bench" / "make_zone.py"), "1000", str(zone)], check=True)
    return OnPort([zone], device(folder, "server"))


def refused(io, *options, workers=2):
    """(exit code, output) of a dataplane that must not start."""
    needs_dpdk()
    with tempfile.TemporaryDirectory(prefix="skua-dpdk-") as folder:
        done = subprocess.run([str(build_folder() / "skua-dataplane"), "--runtime-dir", folder, "--workers", str(workers),
                               "--io", f"dpdk:{io}", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        expect_equal(sorted(os.listdir(folder)), [], "what a failed start left behind")
        return done.returncode, done.stdout
