"""switch: what joins the hosts: a switch with VLANs in a namespace of its own.

Two kinds, both of them real bridges that learn addresses; what a port gets that is not its VLAN's never reaches a host.

`KernelSwitch` is the kernel's bridge. Where the kernel can filter VLANs, one bridge has all ports; where it can't (a kernel
without CONFIG_BRIDGE_VLAN_FILTERING), each VLAN has a bridge of its own, as a switch has inside, and no trunk can be had. It forwards as fast
as the machine can, so it carries the load.

`OpenSwitch` is Open vSwitch with its userspace datapath, which needs nothing of the kernel but tap and AF_PACKET: access ports, and a trunk
with a native VLAN, on any kernel. It is a process on a core of its own choice that loses frames when it gets no time, so it is there for tags,
not for load. Both daemons are started in the namespace, with all their files in a temporary folder; no service of the host is asked.
"""

import os
import pathlib
import re
import subprocess
import tempfile

import cases
from namespace import ip
from process import Process


class Port:
    """An end of a cable in the switch. vlan: the port's own (untagged); tagged: those that come with a tag."""

    def __init__(self, name, vlan, tagged=()):
        self.name, self.vlan, self.tagged = name, vlan, tuple(tagged)


def queue(space, device):
    """An egress queue of 1,000 frames, as a port of a switch has. Since Linux 6.16 a full veth then holds up its sender
    rather than to drop."""
    ip("netns", "exec", space, "tc", "qdisc", "replace", "dev", device, "root", "pfifo", "limit", "1000")


def kernel_filters_vlans():
    done = subprocess.run(["unshare", "--net", "ip", "link", "add", "b", "type", "bridge", "vlan_filtering", "1"], capture_output=True, check=False)
    return done.returncode == 0


class KernelSwitch:
    def __init__(self, space):
        self.space, self.filters = space, kernel_filters_vlans()
        self.trunks = self.filters
        self.bridges = set()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass  # bridges end with their namespace

    def bridge(self, name, *options):
        if name not in self.bridges:
            ip("-n", self.space, "link", "add", name, "type", "bridge", *options)
            ip("-n", self.space, "link", "set", name, "up")
            self.bridges.add(name)
        return name

    def add(self, port):
        if port.tagged and not self.filters:
            raise cases.Skip("the kernel's bridge can't filter VLANs")
        bridge = self.bridge("all", "vlan_filtering", "1") if self.filters else self.bridge(f"vlan{port.vlan}")
        ip("-n", self.space, "link", "set", port.name, "master", bridge, "up")
        if self.filters:
            self.vlans("del", port, "1")
            self.vlans("add", port, str(port.vlan), "pvid", "untagged")
            for tag in port.tagged:
                self.vlans("add", port, str(tag))

    def vlans(self, verb, port, *words):
        subprocess.run(["bridge", "-n", self.space, "vlan", verb, "dev", port.name, "vid", *words], check=True)


    def vlans_of(self, mac):
        """VLANs in which frames from that address came in."""
        table = ip("netns", "exec", self.space, "bridge", "fdb", "show", "dynamic")
        return {int(vlan) for vlan in re.findall(rf"^{mac} .* vlan (\d+)", table, re.M)}


class Daemon(Process):
    """A program of Open vSwitch, in the switch's namespace, with the folder of the switch."""

    name = "ovs"

    def __init__(self, space, home, words):
        super().__init__()
        environment = dict(os.environ, OVS_RUNDIR=str(home), OVS_LOGDIR=str(home), OVS_DBDIR=str(home), OVS_SYSCONFDIR=str(home))
        self.launch(["ip", "netns", "exec", space, *words], environment)


class OpenSwitch:
    trunks = True

    def __init__(self, space):
        self.space = space
        self.temporary = tempfile.TemporaryDirectory(prefix="skua-switch-")
        self.home = pathlib.Path(self.temporary.name)
        self.database = f"unix:{self.home}/db.sock"
        self.daemons = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        tool = ["ovsdb-tool", "create", str(self.home / "conf.db"), "/usr/share/openvswitch/vswitch.ovsschema"]
        subprocess.run(tool, check=True, capture_output=True)
        self.run_daemon(["ovsdb-server", str(self.home / "conf.db"), f"--remote=p{self.database}", f"--unixctl={self.home}/db.ctl"],
                        lambda: (self.home / "db.sock").exists())
        self.run_daemon(["ovs-vswitchd", self.database, f"--unixctl={self.home}/switch.ctl"], lambda: (self.home / "switch.ctl").exists())
        self.configure("init")
        self.configure("add-br", "all", "--", "set", "bridge", "all", "datapath_type=netdev")

    def run_daemon(self, words, ready):
        daemon = Daemon(self.space, self.home, words)
        self.daemons.append(daemon)
        daemon.wait_ready(ready)

    def configure(self, *words):
        done = subprocess.run(["ovs-vsctl", f"--db={self.database}", "--timeout=60", *words], capture_output=True, text=True, check=False)
        cases.expect(done.returncode == 0, f"ovs-vsctl {' '.join(words)}: {done.stderr.strip()}")

    def add(self, port):
        ip("-n", self.space, "link", "set", port.name, "up")
        mode = ["vlan_mode=native-untagged", "trunks=" + ",".join(map(str, port.tagged))] if port.tagged else ["vlan_mode=access"]
        self.configure("add-port", "all", port.name, "--", "set", "port", port.name, f"tag={port.vlan}", *mode)

    def vlans_of(self, mac):
        table = subprocess.run(["ovs-appctl", f"--target={self.home}/switch.ctl", "fdb/show", "all"], capture_output=True, text=True, check=True).stdout
        return {int(vlan) for vlan in re.findall(rf"^\s*\S+\s+(\d+)\s+{mac}\s", table, re.M)}

    def __exit__(self, *unused):
        for daemon in reversed(self.daemons):
            daemon.close()
        self.temporary.cleanup()
