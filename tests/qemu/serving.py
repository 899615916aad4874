"""serving: `skua serve` in the guest, as an operator would start it, and what its clients see."""

import json

import cases
import process
from cases import expect, expect_equal
from machine import ZONE_FILE

EXIT_FILE, PID_FILE = "/tmp/skua.exit", "/tmp/skua.pid"


class Serving:
    """with Serving(guest, '--io "dpdk:-a …"'): it is ready inside; at the end it has stopped cleanly, or that is a failure."""

    def __init__(self, guest, options, wait=True):
        self.guest, self.options, self.wait = guest, options, wait

    def __enter__(self):
        self.mark = len(self.guest.said())
        self.guest.must(f"rm -f {EXIT_FILE}; (sh -c 'echo $$ >{PID_FILE}; exec skua serve {self.options} {ZONE_FILE}' "
                        f">/dev/ttyS0 2>&1 </dev/null; echo $? >{EXIT_FILE}) >/dev/null 2>&1 &")
        try:
            self.prepare()
            if self.wait:
                self.until("skua status >/tmp/status && grep -q 'interface up' /tmp/status", "ready")
        except BaseException:
            self.stop()
            raise
        return self

    def prepare(self):
        """What an operator does once it has started."""

    def until(self, command, what, seconds=90):
        """Asks in the guest until the command succeeds, or skua has ended."""
        code, _ = self.guest.run(f"end=$(($(date +%s) + {seconds})); until {command}; do [ ! -e {EXIT_FILE} -a $(date +%s) -lt $end ] || exit 1; "
                                 "usleep 200000; done", seconds + 60)
        expect(code == 0, f"{what}: not within {seconds} s; status:\n{self.status()}")

    def log(self):
        return self.guest.said()[self.mark:]

    def status(self):
        return self.guest.run("skua status")[1]

    def metrics(self):
        """{name: value summed over labels}"""
        found = {}
        for line in self.guest.must("wget -q -O - http://127.0.0.1:8081/metrics").splitlines():
            name, _, value = line.rpartition(" ")
            if name and not line.startswith("#"):
                name = name.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found

    def workers(self):
        return json.loads(self.guest.run("skua status --json")[1])["workers"]

    def wait_exit(self, seconds=60):
        return int(self.guest.must(f"i=0; until [ -s {EXIT_FILE} ] || [ $i = {seconds * 10} ]; do i=$((i + 1)); usleep 100000; done; "
                                   f"cat {EXIT_FILE}", seconds * 2))

    def stop(self):
        self.guest.run(f"[ -e {EXIT_FILE} ] || kill -TERM $(cat {PID_FILE})")
        return self.wait_exit()

    def __exit__(self, kind, *unused):
        code = self.stop()
        if kind is None:
            expect_equal(code, 0, "exit status of skua serve")


class Load(process.Process):
    """A client that asks a thousand times a second, whether it is answered or not."""

    name = "load"
    PROGRAM = ("import socket, sys, time, dns.message\n"
               "query = dns.message.make_query('www.x.test', 'A').to_wire()\n"
               "client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
               "while True: client.sendto(query, (sys.argv[1], 53)); time.sleep(0.001)\n")

    def __init__(self, guest, address):
        super().__init__()
        self.launch(["ip", "netns", "exec", guest.space, "/usr/bin/python3", "-c", self.PROGRAM, address])


def ask(guest, address, kind="A", *options, name="www.x.test"):
    return guest.on_client("kdig", f"@{address}", name, kind, "+timeout=5", "+retry=5", *options, seconds=120)[1]


def answers(guest, card, *options):
    """The zone's answers come over IPv4 and IPv6."""
    for address in (card.address4, card.address6):
        expect_equal(ask(guest, address, "A", "+short", *options).strip(), "192.0.2.1", f"A from {address} {options}")
        expect_equal(ask(guest, address, "AAAA", "+short", *options).strip(), "2001:db8::1", f"AAAA from {address} {options}")
        expect("NXDOMAIN" in ask(guest, address, "A", *options, name="nobody.x.test"), f"NXDOMAIN from {address} {options}")


def pings(guest, card):
    for words in (("ping", "-c", "3", "-i", "0.2", "-w", "30", card.address4), ("ping", "-6", "-c", "3", "-i", "0.2", "-w", "30", card.address6)):
        code, output = guest.on_client(*words)
        expect(code == 0, output)


class Shared(Serving):
    """DPDK on a card that the kernel shares: with the card's addresses on the kernel's interface, as docs/operating.md has it."""

    INTERFACE = "skua0"

    def __init__(self, guest, card, options=""):
        super().__init__(guest, f'--io "dpdk:-a {card.pci}" {options}')
        self.card = card

    def prepare(self):
        self.until(f"ip addr replace {self.card.address4}/24 dev {self.INTERFACE} 2>/dev/null", "an interface to give addresses")
        self.guest.must(f"ip -6 addr replace {self.card.address6}/64 dev {self.INTERFACE} nodad")

    def stop(self):
        code = super().stop()
        self.guest.run(f"ip link del {self.INTERFACE}")
        return code


def neighbours(guest, card):
    """Tells the clients where the card's addresses are: for when the kernel does not share it, so that nobody answers ARP and ND."""
    for address in (card.address4, card.address6):
        guest.on_client("ip", "neigh", "replace", address, "lladdr", card.mac, "dev", card.tap)


def listens(guest, address, port):
    return cases.eventually(lambda: guest.on_client("nc", "-z", "-w", "5", address, str(port))[0] == 0, f"TCP port {port} of {address}", 60)
