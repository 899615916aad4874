"""privilege_test: what a dataplane that root started has left once it answers, and that all goes on without the rest."""

import ctypes
import mmap
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import tempfile

import cases
from cases import Skip, case, eventually, expect, expect_equal
from inside import Within
from namespace import Link, ip
from small_zone import Zone
from skua import build_folder

USER = "skua"
# What the main thread of each back end keeps (docs/threat-model.md). AF_XDP: CAP_BPF too on kernels before 5.19.
CAP_NET_BIND_SERVICE = 1 << 10
CAP_BPF = 1 << 39
KEPT = {"socket": 0, "af_xdp": CAP_NET_BIND_SERVICE, "dpdk": 0}


def account():
    if os.geteuid() != 0:
        raise Skip("only root has something to give up")
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        raise Skip(f"there is no user {USER}: scripts/setup --test makes it") from None


class Serving(Within):
    """`skua serve` in a namespace, on all that the back end takes there."""

    def start(self):
        self.launch(self.command())
        # A memif without a peer has no link, and is not ready for as long: enough that it runs.
        self.wait_ready(lambda: " answering " in self.log() and ("is ready" in self.log() or "has no link" in self.log()))


def sockets(link, zone, *options, **more):
    return Serving(link, [zone], "--listen", "198.18.0.1:53", "--listen", "[2001:db8::1]:53", *options, **more)


def ask(link, name, kind="A", *options, server="198.18.0.1"):
    return link.on_client("kdig", f"@{server}", name, kind, "+short", "+timeout=1", "+retry=1", *options)[1].strip()


def status(pid):
    """The lines of each thread's status, {thread: {key: value}}."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        found[lines["Name"]] = lines
    return found


def expect_confined(pid, back_end):
    """Every thread, those of the back end's library too: user, groups, capabilities, filters."""
    who = account()
    most = KEPT[back_end] | (CAP_BPF if back_end == "af_xdp" and older_kernel() else 0)
    for name, lines in status(pid).items():
        expect_equal(lines["Uid"].split(), [str(who.pw_uid)] * 4, f"user of thread {name}")
        expect_equal(lines["Gid"].split(), [str(who.pw_gid)] * 4, f"group of thread {name}")
        expect_equal(lines["Groups"].split(), [str(who.pw_gid)], f"groups of thread {name}")
        expect_equal(lines["NoNewPrivs"], "1", f"NoNewPrivs of thread {name}")
        expect_equal(lines["Seccomp"], "2", f"Seccomp of thread {name}")
        for kind in ("CapPrm", "CapEff"):
            expect_equal(int(lines[kind], 16), most if name == "skua-dataplane" else 0, f"{kind} of thread {name}")
        for kind in ("CapInh", "CapAmb"):
            expect_equal(int(lines[kind], 16), 0, f"{kind} of thread {name}")
    main = status(pid)["skua-dataplane"]
    expect_equal(int(main["CapBnd"], 16), 0, "CapBnd of the main thread")
    for name, lines in status(pid).items():
        if name.startswith("skua-") and name != "skua-dataplane" or name == "stream":
            expect_equal(lines["Seccomp_filters"], "2", f"filters of thread {name}")


def older_kernel():
    return tuple(int(word) for word in re.findall(r"\d+", os.uname().release)[:2]) < (5, 19)


def change(zone, address):
    """Gives www another address; a new file takes the old one's place."""
    new = zone.with_suffix(".new")
    text = re.sub(r"hostmaster (\d+)", lambda found: f"hostmaster {int(found[1]) + 1}", zone.read_text())
    new.write_text(re.sub(r"www IN A \S+", f"www IN A {address}", text))
    new.rename(zone)


@case("privilege: sockets on port 53; UDP, TCP, changes, both programs killed, a clean stop")
def with_sockets():
    account()
    with Link() as link, Zone() as zone:
        with sockets(link, zone, "--workers", "2") as server:
            expect_confined(server.dataplane(), "socket")
            for address in ("198.18.0.1", "2001:db8::1"):
                expect_equal(ask(link, "www.x.test", server=address), "192.0.2.1", f"UDP to {address}")
                expect_equal(ask(link, "www.x.test", "A", "+tcp", server=address), "192.0.2.1", f"TCP to {address}")
            change(zone, "192.0.2.2")
            eventually(lambda: ask(link, "www.x.test") == "192.0.2.2", "the change is answered")
            os.kill(server.dataplane(), signal.SIGKILL)
            eventually(lambda: ask(link, "www.x.test") == "192.0.2.2", "an answer after kill -9 of the dataplane")
            expect_confined(server.dataplane(), "socket")
            kill_control(server)
            change(zone, "192.0.2.3")
            eventually(lambda: ask(link, "www.x.test") == "192.0.2.3", "a new control's arena is adopted")
            expect("refused" not in server.log(), server.log())
            runtime = server.runtime
            os.kill(server.child.pid, signal.SIGTERM)
            expect_equal(server.child.wait(20), 0, "exit code")
            expect_equal([path.name for path in runtime.iterdir()], ["channel"], "what stays after a stop")


@case("privilege: kill -9 of skua serve ends both programs, and another one starts in their place")
def supervisor_killed():
    account()
    with Link() as link, Zone() as zone, sockets(link, zone) as server:
        expect_confined(server.dataplane(), "socket")
        os.kill(server.child.pid, signal.SIGKILL)
        server.child.wait()
        eventually(lambda: not server.leftovers(), "both programs end")
        server.start()
        eventually(lambda: ask(link, "www.x.test") == "192.0.2.1", "an answer of the next one")


def kill_control(server):
    for pid in server.leftovers():
        if b"skua-control\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: server.log().count("following control") > 0, "another control is followed")


@case("privilege: AF_XDP; addresses that come and go are followed, changes adopted")
def with_af_xdp():
    account()
    with Link(queues=2) as link, Zone() as zone, Serving(link, [zone], "--io", "af_xdp:dns0", "--workers", "2") as server:
        expect_confined(server.dataplane(), "af_xdp")
        expect_equal(ask(link, "www.x.test"), "192.0.2.1", "UDP")
        expect_equal(ask(link, "www.x.test", "A", "+tcp"), "192.0.2.1", "TCP")
        ip("-n", link.server, "addr", "add", "198.18.0.7/24", "dev", "dns0")
        eventually(lambda: ask(link, "www.x.test", server="198.18.0.7") == "192.0.2.1", "an answer from the new address")
        ip("-n", link.server, "addr", "del", "198.18.0.7/24", "dev", "dns0")
        ip("-n", link.server, "addr", "add", "198.18.0.8/24", "dev", "dns0")
        eventually(lambda: ask(link, "www.x.test", server="198.18.0.8") == "192.0.2.1", "an answer from another one")
        change(zone, "192.0.2.2")
        eventually(lambda: ask(link, "www.x.test") == "192.0.2.2", "the change is answered")
        os.kill(server.dataplane(), signal.SIGKILL)
        eventually(lambda: ask(link, "www.x.test") == "192.0.2.2", "an answer after kill -9")
        expect("was refused" not in server.log(), server.log())


@case("privilege: DPDK over net_tap and over memif, its own threads too")
def with_dpdk():
    account()
    if not (build_folder() / "bench" / "memif_generator").exists():
        raise Skip("this build has no DPDK")
    memory = "--no-huge -m 128"
    with tempfile.TemporaryDirectory(prefix="skua-memif-") as folder, Link() as link, Zone() as zone:
        for device, *options in (("--vdev=net_tap0,iface=dtap0", "--listen", "192.0.2.202:53"),
                                 (f"--vdev=net_memif0,role=server,id=0,socket={folder}/s,socket-abstract=no",)):
            with Serving(link, [zone], "--io", f"dpdk:{memory} {device}", *options) as server:
                pid = server.dataplane()
                expect_confined(pid, "dpdk")
                expect(any(name.startswith("eal-") for name in status(pid)), f"no thread of DPDK's own: {list(status(pid))}")
                change(zone, "192.0.2.2")
                eventually(lambda: server.log().count("published") >= 2, "the change is published")
                expect_equal("skua-kernel" in status(pid), "net_tap" in device, "a thread that serves the kernel")
                if "net_tap" in device:
                    through_tap(link, server)
                expect("was refused" not in server.log(), server.log())


def through_tap(link, server):
    """The kernel's end of the tap, in the server's namespace, asks."""
    ip("-n", link.server, "addr", "add", "192.0.2.201/29", "dev", "dtap0")
    ip("-n", link.server, "link", "set", "dtap0", "up")
    mac = re.search(r"link/ether (\S+)", ip("-n", link.server, "link", "show", "dtap0"))[1]  # the driver gives both ends the same
    ip("-n", link.server, "neigh", "replace", "192.0.2.202", "lladdr", mac, "dev", "dtap0")
    def answered():
        done = subprocess.run(["ip", "netns", "exec", link.server, "kdig", "@192.0.2.202", "www.x.test", "A", "+short", "+timeout=1",
                               "+retry=0"], stdout=subprocess.PIPE, text=True, timeout=30, check=False)
        return done.stdout.strip() == "192.0.2.2"
    eventually(answered, f"an answer through the tap; {server.log()[-600:]}")


def as_user(act):
    """Runs act() in a child that is the user; its exit status as os.wait tells it."""
    who = account()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
        try:
            os._exit(act())
        finally:  # an exception has been no answer
            os._exit(77)
    return os.waitpid(child, 0)[1]


def refused(act, *errors):
    try:
        act()
    except OSError as error:
        return isinstance(error, errors or (PermissionError,))
    return False


@case("privilege: nobody but control can write to the image: not by its file, a mapping, or another process's memory")
def image_is_read_only():
    account()
    with Link() as link, Zone() as zone, sockets(link, zone) as server:
        pid = server.dataplane()
        arena = next(path for path in server.runtime.glob("arena.*"))
        os.chmod(server.folder, 0o711)  # the way to the runtime directory
        maps = [line for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines() if "/arena." in line]
        expect(maps and all(line.split()[1] == "r--s" for line in maps), f"mappings: {maps}")
        held = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        expect(not [path for path in held if "arena." in path or "channel" in path], f"descriptors: {held}")
        before = ask(link, "www.x.test")
        checks = {
            "opened for writing": lambda: refused(lambda: os.open(arena, os.O_RDWR)),
            "cut off": lambda: refused(lambda: os.truncate(arena, 0)),
            "removed": lambda: refused(arena.unlink),
            "replaced": lambda: refused(lambda: os.rename(arena, arena.with_name("x"))),
            "mapped for writing": lambda: refused(lambda: mapped(arena, mmap.PROT_READ | mmap.PROT_WRITE)),
            "made writable": lambda: made_writable(arena) == -1,
            "channel opened for writing": lambda: refused(lambda: os.open(server.runtime / "channel", os.O_RDWR)),
            "memory of the dataplane opened": lambda: refused(lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR)),
            "control's socket": lambda: refused(lambda: connected(server.runtime / "control.sock")),
        }
        for what, check in checks.items():
            expect_equal(as_user(lambda: 0 if check() else 1), 0, f"it could be {what}")
        expect_equal(as_user(lambda: stored(arena)), signal.SIGSEGV, "a store into the mapping: wait status")
        expect_equal(ask(link, "www.x.test"), before, "the answer")


def mapped(path, protection):
    return mmap.mmap(os.open(path, os.O_RDONLY), 4096, mmap.MAP_SHARED, protection)


LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def mapping_of(path):
    """As the dataplane maps it."""
    return LIBC.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, os.open(path, os.O_RDONLY), 0)


def made_writable(path):
    return LIBC.mprotect(mapping_of(path), 4096, mmap.PROT_READ | mmap.PROT_WRITE)


def stored(path):
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.memset(mapping_of(path), 1, 1)
    return 1


def connected(path):
    socket.socket(socket.AF_UNIX).connect(str(path))


@case("privilege: the runtime directory of an earlier root, private to it, is given to the group")
def directory_of_root():
    who = account()
    with Link() as link, Zone() as zone:
        with sockets(link, zone, "--user", "none") as server:
            expect_equal(status(server.dataplane())["skua-dataplane"]["Uid"].split()[0], "0", "user")
            expect_equal(ask(link, "www.x.test"), "192.0.2.1", "an answer as root")
            expect("stays root" in server.log(), server.log())
            exchange_dataplane(link, server, who)


def exchange_dataplane(link, server, who):
    """Control has published as root for root; a dataplane that becomes skua must still be able to read all of it."""
    files = {path.name: path.stat().st_gid for path in server.runtime.iterdir()}
    expect_equal(set(files.values()), {0}, f"groups while the dataplane stays root: {files}")
    os.kill(server.child.pid, signal.SIGSTOP)
    try:
        os.kill(server.dataplane(), signal.SIGKILL)
        log = open(server.folder / "other", "w", encoding="ascii")
        with subprocess.Popen(["ip", "netns", "exec", link.server, str(build_folder() / "skua-dataplane"), "--runtime-dir",
                               str(server.runtime), "--listen", "198.18.0.1:53"], stdout=log, stderr=log) as other:
            try:
                eventually(lambda: ask(link, "www.x.test") == "192.0.2.1", "an answer as skua", 20)
                expect_equal((server.runtime / "channel").stat().st_gid, who.pw_gid, "group of the channel")
            finally:
                other.terminate()
                other.wait(20)
                log.close()
    finally:
        os.kill(server.child.pid, signal.SIGCONT)


@case("privilege: a user that is missing is said, and root goes on; one that was asked for must be there")
def missing_user():
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    with Link() as link, Zone() as zone:
        with without_user() as prefix, sockets(link, zone, start=False) as server:
            command = server.command
            server.command = lambda: [*command()[:4], *prefix, *command()[4:]]
            server.start()
            expect_equal(ask(link, "www.x.test"), "192.0.2.1", "an answer")
            expect(re.search(r"warning .*stays root.*no user skua.*useradd", server.log()), server.log())
            expect_equal(status(server.dataplane())["skua-dataplane"]["Seccomp"], "2", "filtered all the same")
    with tempfile.TemporaryDirectory(prefix="skua-user-") as folder:
        done = subprocess.run([str(build_folder() / "skua-dataplane"), "--runtime-dir", folder, "--user", "no-such-user"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        expect(done.returncode == 1 and "no such user" in done.stdout, f"{done.returncode}: {done.stdout}")


class without_user:
    """What a command starts with that is to find another /etc/passwd, one without the user."""

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile("w", prefix="skua-passwd-")
        self.file.write("".join(line for line in open("/etc/passwd", encoding="utf-8") if not line.startswith(USER + ":")))
        self.file.flush()
        os.chmod(self.file.name, 0o644)
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'mount --bind {self.file.name} /etc/passwd && exec "$@"', "sh"]

    def __exit__(self, *unused):
        self.file.close()


@case("privilege: --seccomp off leaves system calls alone, and says so")
def unfiltered():
    account()
    with Link() as link, Zone() as zone, sockets(link, zone, "--seccomp", "off") as server:
        expect_equal(ask(link, "www.x.test"), "192.0.2.1", "an answer")
        for name, lines in status(server.dataplane()).items():
            expect_equal((lines["Seccomp"], lines["NoNewPrivs"]), ("0", "1"), f"Seccomp and NoNewPrivs of {name}")
        expect("not filtered" in server.log(), server.log())


@case("privilege: who is not root keeps no capability that systemd gave for opening")
def ambient_capabilities():
    who = account()
    with Link() as link, tempfile.TemporaryDirectory(prefix="skua-ambient-") as folder:
        os.chown(folder, who.pw_uid, who.pw_gid)
        log = open(pathlib.Path(folder, "log"), "w", encoding="ascii")
        with subprocess.Popen(["ip", "netns", "exec", link.server, "setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}",
                               "--clear-groups", "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service",
                               str(build_folder() / "skua-dataplane"), "--runtime-dir", folder, "--listen", "198.18.0.1:53"],
                              stdout=log, stderr=log) as child:
            try:
                eventually(lambda: "running" in pathlib.Path(folder, "log").read_text(), "a worker")
                for name, lines in status(child.pid).items():
                    expect_equal([int(lines[key], 16) for key in ("CapPrm", "CapEff", "CapInh", "CapAmb")], [0] * 4, f"thread {name}")
            finally:
                child.terminate()
                child.wait(20)
                log.close()


cases.main()
