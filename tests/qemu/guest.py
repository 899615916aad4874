"""guest: a machine under QEMU's software emulation, with PCI network cards, that runs Skua; and its clients' side.

    with Guest(kernel, initrd, [Card("virtio"), Card("e1000")]) as guest:
        code, output = guest.run("ip link")            # in the guest
        code, output = guest.on_client("ping", "-c1", guest.cards[0].address4)

Each card is joined by a tap to a network namespace of the test, where real clients run: card N has 198.18.N.1 and
2001:db8:N::1, its client .2 and ::2. What the guest says on its console is kept in a file."""

import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time

import cases
import process
from namespace import Link, ip

LIMIT_SECONDS = 400  # of a guest's life, whatever the test does
BOOT_SECONDS = 120.0
MEMORY_MIB, HUGE_PAGES = 1024, 192

MODELS = {
    "virtio": {"driver": "virtio-net-pci", "disable-legacy": "on"},
    "e1000": {"driver": "e1000"},
    "e1000e": {"driver": "e1000e"},
    "vmxnet3": {"driver": "vmxnet3"},
}


class Card:
    """A network card: model as in MODELS; queues: pairs of them (virtio only); removable: behind a port for hot-plugging."""

    def __init__(self, model, queues=1, removable=False):
        self.model, self.queues, self.removable = model, queues, removable
        self.number = 0

    def take(self, number, ports):
        self.number = number
        self.tap = f"card{number}"
        self.mac = f"52:54:00:98:00:{number:02x}"
        self.client_mac = f"52:54:00:99:00:{number:02x}"
        self.address4, self.address6 = f"198.18.{number}.1", f"2001:db8:{number}::1"
        self.client4, self.client6 = f"198.18.{number}.2", f"2001:db8:{number}::2"
        # Bus 0 has its devices where we put them; the firmware numbers what lies behind ports, in their order.
        self.pci = f"0000:{ports + 1:02x}:00.0" if self.removable else f"0000:00:{0x10 + number:02x}.0"

    def device(self, has_iommu):
        """Properties of the device, as QEMU wants them."""
        found = dict(MODELS[self.model], id=f"dev{self.number}", netdev=f"net{self.number}", mac=self.mac, romfile="",
                     bus=f"port{self.number}" if self.removable else "pcie.0")
        if not self.removable:
            found["addr"] = f"0x{0x10 + self.number:x}"
        if self.model == "virtio" and has_iommu:
            found["iommu_platform"] = True
        if self.queues > 1:
            found.update(mq=True, vectors=2 * self.queues + 2)
        return found

    def arguments(self, has_iommu):
        netdev = f"tap,id=net{self.number},ifname={self.tap},script=no,downscript=no,vnet_hdr=off"
        if self.queues > 1:
            netdev += f",queues={self.queues}"
        port = ["-device", f"pcie-root-port,id=port{self.number},bus=pcie.0,chassis={self.number},addr=0x{8 + self.number:x}"]
        return [*(port if self.removable else []), "-netdev", netdev, "-device", json.dumps(self.device(has_iommu))]


class Guest(process.Process):
    name = "guest"

    def __init__(self, kernel, initrd, cards, console, has_iommu=True, processors=2, options=()):
        super().__init__()
        self.kernel, self.initrd, self.has_iommu, self.processors = kernel, initrd, has_iommu, processors
        self.options, self.cards, self.console = list(options), list(cards), pathlib.Path(console)
        for number, card in enumerate(self.cards, 1):
            card.take(number, sum(other.removable for other in self.cards[:number - 1]))
        self.space = f"skua-q{os.getpid()}"
        self.agent = self.hangs_in = None

    def __enter__(self):
        try:
            self.make_network()
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def make_network(self):
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")
        for card in self.cards:
            several = ["multi_queue"] if card.queues > 1 else []
            ip("-n", self.space, "tuntap", "add", card.tap, "mode", "tap", *several)
            ip("-n", self.space, "link", "set", card.tap, "address", card.client_mac, "up")
            ip("-n", self.space, "addr", "add", f"{card.client4}/24", "dev", card.tap)
            ip("-n", self.space, "-6", "addr", "add", f"{card.client6}/64", "dev", card.tap, "nodad")

    def command(self):
        iommu = ["-device", "intel-iommu,intremap=on,caching-mode=on"] if self.has_iommu else []
        words = f"console=ttyS0 hugepages={HUGE_PAGES} quiet panic=-1 oops=panic" + (" intel_iommu=on" if self.has_iommu else "")
        devices = [word for card in self.cards for word in card.arguments(self.has_iommu)]
        return ["ip", "netns", "exec", self.space, "timeout", "-k", "5", LIMIT_SECONDS, "qemu-system-x86_64", "-accel",
                "tcg,thread=multi", "-cpu", "max", "-smp", self.processors, "-M", "q35,kernel-irqchip=split", "-m", MEMORY_MIB,
                "-nodefaults", "-nographic", "-no-reboot", "-monitor", "none", "-serial", f"file:{self.console}",
                "-serial", f"unix:{self.folder}/agent,server=on,wait=off", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                *iommu, *devices, *self.options, "-kernel", self.kernel.image, "-initrd", self.initrd, "-append", words]

    def boot(self):
        self.console.parent.mkdir(parents=True, exist_ok=True)
        self.console.write_text("")
        self.launch(self.command())
        self.agent = Line(self.connect("agent"))
        self.agent.until(re.compile(r"^@@ ready$"), BOOT_SECONDS)
        self.monitor = Line(self.connect("qmp"))
        self.qmp("qmp_capabilities")

    def connect(self, name):
        line = socket.socket(socket.AF_UNIX)

        def try_it():
            if not self.running():
                raise process.StartFailed(self.explain("ended"))
            return line.connect_ex(str(self.folder / name)) == 0
        cases.eventually(try_it, f"QEMU's socket {name}")
        return line

    def run(self, command, seconds=60.0):
        """One line of shell in the guest: (status, output)."""
        assert "\n" not in command
        if self.hangs_in:
            raise cases.Failure(f"the guest still hangs in: {self.hangs_in}")
        self.agent.send(command)
        self.hangs_in = command
        lines, last = self.agent.until(re.compile(r"^@@ \d+$"), seconds)
        self.hangs_in = None
        return int(last[3:]), "\n".join(lines)

    def must(self, command, seconds=60.0):
        code, output = self.run(command, seconds)
        cases.expect(code == 0, f"in the guest: {command}: status {code}: {output}")
        return output

    def qmp(self, command, **arguments):
        """A command to QEMU's monitor."""
        self.monitor.send(json.dumps({"execute": command, "arguments": arguments}))
        while True:
            answer = json.loads(self.monitor.until(re.compile(r"."), 30)[1])
            if "error" in answer:
                raise cases.Failure(f"QEMU: {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def on_client(self, *words, seconds=60):
        return Link.run(self.space, words, seconds)

    def said(self):
        """What the console has shown so far."""
        return self.console.read_text(errors="replace").replace("\r", "")

    def close(self):
        if self.agent and self.running():
            try:
                self.qmp("quit")
                self.child.wait(10)
            except (cases.Failure, OSError, subprocess.TimeoutExpired):
                pass
        super().close()
        subprocess.run(["ip", "netns", "del", self.space], stderr=subprocess.DEVNULL, check=False)


class Line:
    """Lines over a socket, read until one matches."""

    def __init__(self, line):
        self.socket, self.rest = line, b""

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def until(self, pattern, seconds):
        """(the lines before, the one that matches)."""
        end, before = time.monotonic() + seconds, []
        while True:
            while b"\n" in self.rest:
                octets, _, self.rest = self.rest.partition(b"\n")
                text = octets.decode(errors="replace").rstrip("\r")
                if pattern.search(text):
                    return before, text
                before.append(text)
            left = end - time.monotonic()
            if left <= 0:
                raise cases.Failure(f"no {pattern.pattern!r} from the guest within {seconds:g} s, but {before[-10:]}")
            self.socket.settimeout(left)
            try:
                octets = self.socket.recv(65536)
            except TimeoutError:
                continue
            if not octets:
                raise cases.Failure(f"the guest is gone; its last lines: {before[-10:]}")
            self.rest += octets
