"""deploy_test: an installation, started as docs/deploy/ says: systemd's units, s6's scripts, Kubernetes' manifests."""

import contextlib
import errno
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

import cases
from cases import Skip, case, eventually, expect, expect_equal
from container import CAPABILITIES, Container
from inside import ask
from installed import Installed, make_root, prefix
from namespace import Link
from process import processes_of_session
from small_zone import Zone
from skua import SOURCES, build_folder
from unit_file import Unit, environment_file

USERS = {"skua": 853, "skua-control": 854}
SOCKETS = "--listen 198.18.0.1:53 --listen '[2001:db8::1]:53' --workers 2"
AF_XDP = "--io af_xdp:dns0 --workers 2"
# The kernel's words, which stand in no source of ours.
REASONS = [os.strerror(number) for number in (errno.EPERM, errno.ENOENT)]
# What the programs put into their messages.
PUT_IN = re.compile(r"\b(?:eth\d|skua0|skua|0\.0\.0\.0:53|192\.0\.2\.53:53|\d+|0000:\S+|net_\w+|queues?|ports?|workers?|are)\b|/dev/net/tun|…|\([^)]*\)|\"[^\"]*\"|: (?:" +
                    "|".join(REASONS) + ")")
KUBERNETES = SOURCES / "scripts/deploy/kubernetes"


def needs_root():
    if os.geteuid() != 0:
        raise Skip("a root file system of its own needs root")


@contextlib.contextmanager
def shared_memory(owner, group, mode):
    """A folder in memory, as tmpfiles.d or a Memory emptyDir gives it."""
    with tempfile.TemporaryDirectory(prefix="skua-run-", dir="/dev/shm") as folder:
        os.chown(folder, owner, group)
        os.chmod(folder, mode)
        yield pathlib.Path(folder)


def answered(link, *options, **more):
    return "192.0.2.1" in ask(link, "www.x.test", "A", "+short", "+timeout=1", "+retry=0", *options, **more)


def until(question, what, *containers):
    """eventually(), whose failure shows what the containers have said by then."""
    try:
        return eventually(question, what)
    except cases.Failure as failure:
        raise cases.Failure(f"{failure}: " + " | ".join(container.log()[-800:] for container in containers)) from None


def expect_bare(container, user, group, sets, most=0):
    """No capability is left but those of the mask, and user and group are these."""
    lines = pathlib.Path(f"/proc/{container.child.pid}/status").read_text().splitlines()
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    expect_equal((fields["Uid"].split(), fields["Gid"].split()), ([str(user)] * 4, [str(group)] * 4), "user and group")
    for kind in sets:
        expect_equal(int(fields[kind], 16) & ~most, 0, f"{kind}: {container.log()}")


@case("deploy: meson install brings programs, units, users and examples")
def install():
    with Installed() as root:
        here = prefix(root)
        for name in ("skua", "skua-control", "skua-dataplane"):
            done = subprocess.run([here / "bin" / name, "--version"], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
            expect(done.returncode == 0 and done.stdout.startswith(name), f"{name} --version: {done}")
        for name in ("lib/sysusers.d/skua.conf", "lib/tmpfiles.d/skua.conf", "share/skua/skua.example.yaml", "share/skua/frr/frr.conf",
                     "share/skua/systemd/af_xdp.conf", "share/skua/systemd/dpdk.conf", "share/skua/systemd/dataplane.env",
                     "share/skua/kubernetes/skua-af-xdp.yaml"):
            expect((here / name).is_file(), f"{name} is not installed")
        for name in ("skua-control", "skua-dataplane"):
            expect(os.access(here / f"share/skua/s6/{name}/run", os.X_OK), f"s6's run of {name}")


@case("deploy: systemd finds no mistake in the units; users and runtime directory come from sysusers.d and tmpfiles.d")
def verified():
    needs_root()
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd is not installed")
    with Installed() as root:
        here = prefix(root)
        # Only what is below root is looked at or made; --create with a file named does nothing else.
        (root / "etc").mkdir()
        subprocess.run(["systemd-sysusers", f"--root={root}", str(here / "lib/sysusers.d/skua.conf")], check=True)
        (root / "run").mkdir()
        subprocess.run(["systemd-tmpfiles", "--create", f"--root={root}", str(here / "lib/tmpfiles.d/skua.conf")], check=True)
        passwd = {line.split(":")[0]: int(line.split(":")[2]) for line in (root / "etc/passwd").read_text().splitlines()}
        groups = {line.split(":")[0]: int(line.split(":")[2]) for line in (root / "etc/group").read_text().splitlines()}
        made = (root / "run/skua").stat()
        expect_equal((made.st_uid, made.st_gid, oct(made.st_mode & 0o7777)), (passwd["skua-control"], groups["skua"], "0o2750"), "/run/skua")
        expect(passwd["skua"] != passwd["skua-control"], "one user for both programs")
        (root / "bin").mkdir()
        shutil.copy2("/bin/kill", root / "bin")  # ExecReload='s
        folder = here / "lib/systemd/system"
        for drop_in in ("af_xdp.conf", "dpdk.conf"):
            (folder / "skua-dataplane.service.d").mkdir(exist_ok=True)
            shutil.copy2(here / "share/skua/systemd" / drop_in, folder / "skua-dataplane.service.d" / drop_in)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", *map(str, sorted(folder.glob("*.service")))],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
            ours = [line for line in done.stdout.splitlines() if "skua" in line and "not found" not in line]
            expect(not ours, f"{drop_in}: {ours}")
            expect("Unknown" not in done.stdout, done.stdout)


class Units:
    """Both units' command lines with what they say of users, capabilities and limits; drop-ins are the dataplane's."""

    def __init__(self, root, link, folder, options, *drop_ins):
        here = prefix(root)
        units = here / "lib/systemd/system"
        self.root, self.link, self.folder = root, link, folder
        self.control = Unit(units / "skua-control.service")
        self.dataplane = Unit(units / "skua-dataplane.service", *(here / "share/skua/systemd" / name for name in drop_ins))
        environment = root / "etc/skua/dataplane.env"
        environment.write_text(f'SKUA_DATAPLANE="{options}"\n')
        self.environment = environment_file(environment)
        shutil.copy2(here / "share/skua/skua.example.yaml", root / "etc/skua/skua.yaml")
        os.chown(root / "var/lib/skua", USERS["skua-control"], USERS["skua-control"])

    def start_control(self):
        expect_equal(self.control.one("User"), "skua-control", "User= of control")
        return Container(self.root, self.link.server, self.control.command({}), self.control.capabilities(), log=self.root / "control.log",
                         mounts={"/run/skua": self.folder, "/var/lib/skua": self.root / "var/lib/skua"}, user=USERS["skua-control"])

    def start_dataplane(self):
        return Container(self.root, self.link.server, self.dataplane.command(self.environment), self.dataplane.capabilities(),
                         mounts={"/run/skua": self.folder}, limits=self.dataplane.limits(), log=self.root / "dataplane.log")


def put_zone(root, zone):
    (root / "etc/skua/zones").mkdir()
    shutil.copy2(zone, root / "etc/skua/zones")


def as_units(options, *drop_ins):
    """Answers, users, either program killed and started again, both stopped."""
    needs_root()
    with Link(queues=2) as link, Installed() as root, Zone() as zone, shared_memory(USERS["skua-control"], USERS["skua"], 0o2750) as folder:
        make_root(root, USERS)
        put_zone(root, zone)
        units = Units(root, link, folder, options, *drop_ins)
        with contextlib.ExitStack() as stack:
            dataplane = stack.enter_context(units.start_dataplane())  # the order does not matter
            control = stack.enter_context(units.start_control())
            until(lambda: answered(link), "an answer", control, dataplane)
            for server in ("198.18.0.1", "2001:db8::1"):
                eventually(lambda server=server: answered(link, server=server) and answered(link, "+tcp", server=server), f"UDP and TCP to {server}")
            expect_bare(dataplane, USERS["skua"], USERS["skua"], ("CapBnd", "CapAmb"))
            expect_bare(dataplane, USERS["skua"], USERS["skua"], ("CapPrm", "CapEff"), kept([options]))
            expect_bare(control, USERS["skua-control"], USERS["skua-control"], ("CapPrm", "CapEff", "CapBnd", "CapAmb"))
            expect("may write" not in dataplane.log(), dataplane.log())
            control.kill()
            expect(answered(link) or answered(link), "an answer without control")
            dataplane.kill()
            again = stack.enter_context(units.start_dataplane())
            until(lambda: answered(link), "an answer of a dataplane started without control", again)
            control = stack.enter_context(units.start_control())
            until(lambda: "following control" in again.log(), "the new control", control, again)
            expect_equal((again.stop(), control.stop()), (0, 0), "exit statuses")
        return again.log()


def older_kernel():
    return tuple(int(word) for word in re.findall(r"\d+", os.uname().release)[:2]) < (5, 19)


def kept(words):
    """AF_XDP: TCP follows addresses that come later; CAP_BPF on kernels before 5.19 (docs/threat-model.md)."""
    if "af_xdp:" not in " ".join(words):
        return 0
    return 1 << CAPABILITIES["net_bind_service"] | (1 << CAPABILITIES["bpf"] if older_kernel() else 0)


@case("deploy: the units' command lines, users, capabilities and limits: sockets on port 53")
def units_sockets():
    as_units(SOCKETS)


@case("deploy: the same with af_xdp.conf")
def units_af_xdp():
    expect("af_xdp dns0" in as_units(AF_XDP, "af_xdp.conf"), "no AF_XDP")


def manifest(name):
    documents = list(yaml.safe_load_all((KUBERNETES / name).read_text()))
    return documents[0]["spec"]["template"]["spec"]


def check_containers(name, pod):
    """What Kubernetes would only say when it starts them."""
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in pod["containers"]:
        security, resources = container["securityContext"], container["resources"]
        expect_equal(security["capabilities"]["drop"], ["ALL"], f"{name}: dropped capabilities")
        expect(security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], f"{name}: {security}")
        expect_equal(resources["requests"], resources["limits"], f"{name}: requests and limits (QoS class Guaranteed)")
        expect({mount["name"] for mount in container["volumeMounts"]} <= volumes, f"{name}: a volume is missing")


class Pod:
    """The containers of a manifest in our root file system, with their own securityContext and volumes; no kubelet."""

    def __init__(self, stack, root, link, zone, name):
        pod = manifest(name)
        check_containers(name, pod)
        group = pod["securityContext"]["fsGroup"]
        expect_equal(group, USERS["skua"], f"{name}: fsGroup")
        # An emptyDir belongs to root and fsGroup, and anybody may write to it.
        self.volumes = {volume["name"]: stack.enter_context(shared_memory(0, group, 0o2777)) for volume in pod["volumes"]}
        self.volumes["zones"].joinpath(zone.name).write_text(zone.read_text())
        self.containers = {container["name"]: stack.enter_context(self.start(root, link, container)) for container in pod["containers"]}

    def start(self, root, link, container):
        words = [word.replace("eth1", "dns0") for word in [*container["command"], *container["args"]]]
        security = container["securityContext"]
        capabilities = [name.lower() for name in security["capabilities"].get("add", [])]
        mounts = {mount["mountPath"]: self.volumes[mount["name"]] for mount in container["volumeMounts"]}
        return Container(root, link.server, words, capabilities, mounts, security["runAsUser"], log=root / f"{container['name']}.log")


def as_pod(name):
    needs_root()
    with contextlib.ExitStack() as stack:
        link, root, zone = (stack.enter_context(part) for part in (Link(queues=2), Installed(), Zone()))
        make_root(root, {"skua": USERS["skua"]})
        (root / "etc/skua/zones").mkdir()
        pod = Pod(stack, root, link, zone, name)
        control, dataplane = pod.containers["control"], pod.containers["dataplane"]
        until(lambda: answered(link) and answered(link, "+tcp"), "an answer", control, dataplane)
        expect_bare(dataplane, USERS["skua"], USERS["skua"], ("CapPrm", "CapEff"), kept(manifest(name)["containers"][1]["args"]))
        expect_bare(control, 0, 0, ("CapPrm", "CapEff", "CapBnd"))
        expect("may write" not in dataplane.log() and "stays root" not in dataplane.log(), dataplane.log())
        probe = manifest(name)["containers"][1]["readinessProbe"]["exec"]["command"]
        with Container(root, link.server, probe, mounts={"/run/skua": pod.volumes["run"]}, log=root / "probe.log") as container:
            expect_equal(container.child.wait(30), 0, f"the readiness probe: {container.log()}")
        return dataplane.log()


@case("deploy: skua-socket.yaml: two containers that share memory, with the capabilities that it names")
def pod_sockets():
    as_pod("skua-socket.yaml")


@case("deploy: skua-af-xdp.yaml: the same on an interface")
def pod_af_xdp():
    expect("af_xdp dns0" in as_pod("skua-af-xdp.yaml"), "no AF_XDP")


@case("deploy: skua-dpdk.yaml asks for huge pages and a device; its options are understood up to the missing card")
def pod_dpdk():
    needs_root()
    pod = manifest("skua-dpdk.yaml")
    check_containers("skua-dpdk.yaml", pod)
    dataplane = pod["containers"][1]
    limits = dataplane["resources"]["limits"]
    expect("hugepages-2Mi" in limits and "intel.com/skua_vf" in limits, str(limits))
    words = [word.replace("$(PCIDEVICE_INTEL_COM_SKUA_VF)", "0000:00:1f.7") for word in [*dataplane["command"], *dataplane["args"]]]
    with Link() as link, Installed() as root, shared_memory(0, USERS["skua"], 0o2777) as folder:
        make_root(root, {"skua": USERS["skua"]})
        with Container(root, link.server, words, [name.lower() for name in dataplane["securityContext"]["capabilities"]["add"]],
                       {"/run/skua": folder}) as container:
            expect_equal(container.child.wait(60), 1, f"exit status: {container.log()}")
            expect("DPDK" in container.log() and "no such option" not in container.log(), container.log())


@case("deploy: s6 starts both, starts again what is killed, and stops them")
def s6():
    needs_root()
    if not shutil.which("s6-svscan"):
        raise Skip("s6 is not installed")
    for user in USERS:
        done = subprocess.run(["getent", "passwd", user], stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Skip(f"there is no user {user}: scripts/setup --test makes it")
    with Link() as link, Installed() as root, Zone() as zone, tempfile.TemporaryDirectory(prefix="skua-s6-", dir="/dev/shm") as folder:
        services = s6_services(root, pathlib.Path(folder), zone)
        with open(root / "s6.log", "wb") as log:
            child = subprocess.Popen(["ip", "netns", "exec", link.server, "s6-svscan", str(services)], stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, start_new_session=True)
        try:
            eventually(lambda: answered(link), f"an answer: {(root / 's6.log').read_text()}")
            for name in ("skua-dataplane", "skua-control"):
                subprocess.run(["s6-svc", "-k", str(services / name)], check=True)
                eventually(lambda: answered(link), f"an answer after kill -9 of {name}")
        finally:
            subprocess.run(["s6-svscanctl", "-t", str(services)], check=False)
            child.wait(60)
            eventually(lambda: not processes_of_session(child.pid), "all have stopped")


def s6_services(root, folder, zone):
    """The installed scripts with the installation's own place, and another /run, /etc and /var."""
    places = {"/usr/local/bin": str(prefix(root) / "bin"), "/run/skua": f"{folder}/run", "/etc/skua": f"{folder}/etc",
              "/var/lib/skua": f"{folder}/state"}
    os.chmod(folder, 0o755)
    for name in ("etc", "etc/zones", "services"):
        (folder / name).mkdir()
    shutil.copy2(zone, folder / "etc/zones")
    (folder / "etc/skua.yaml").write_text(f"zones: [{folder}/etc/zones]\nhttp: off\n")
    (folder / "etc/dataplane.env").write_text(f'SKUA_DATAPLANE="{SOCKETS}"\n')
    for name in ("skua-control", "skua-dataplane"):
        text = (prefix(root) / f"share/skua/s6/{name}/run").read_text()
        for place, other in places.items():
            text = text.replace(place, other)
        script = folder / "services" / name / "run"
        script.parent.mkdir()
        script.write_text(text)
        script.chmod(0o755)
    return folder / "services"


@case("deploy: FRR reads its example")
def frr():
    if not shutil.which("vtysh"):
        raise Skip("FRR is not installed")
    done = subprocess.run(["vtysh", "--dryrun", "-f", str(SOURCES / "scripts/deploy/frr/frr.conf")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    expect(done.returncode == 0 and "Unknown" not in done.stdout, done.stdout)

def blocks(page, language):
    """The fenced blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def pages():
    found = sorted((SOURCES / "docs/deploy").glob("*.md"))
    expect(len(found) >= 6, f"pages: {found}")
    return found


def known_options(program, *words):
    text = subprocess.run([build_folder() / program, *words], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    return set(re.findall(r"--[a-z][a-z0-9-]+", text))


@case("deploy: each command block of the pages is shell, each unit, file and link that they name is there")
def pages_commands():
    for page in pages():
        for block in blocks(page, "sh"):
            done = subprocess.run(["bash", "-n"], input=block, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            expect_equal((done.returncode, done.stderr), (0, ""), f"{page.name}: {block}")
        text = page.read_text()
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            expect((page.parent / link).exists(), f"{page.name}: no {link}")
        with_anchors(page, text)


def with_anchors(page, text):
    for link, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
        target = (page.parent / link).read_text() if link else text
        heads = {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in re.findall(r"^#+ (.*)$", target, re.M)}
        expect(anchor in heads, f"{page.name}: no #{anchor} in {link}")


@case("deploy: options that the pages, units and scripts give to the programs exist; installed paths too")
def pages_options():
    known = {"skua-dataplane": known_options("skua-dataplane", "--help"), "skua-control": known_options("skua-control", "--help"),
             "skua": known_options("skua", "help", "serve") | known_options("skua", "help", "status") | known_options("skua", "help", "query")}
    # Options within these words are DPDK's.
    for page in [*pages(), *(SOURCES / "scripts/deploy").rglob("*")]:
        if not page.is_file():
            continue
        text = re.sub(r"'dpdk:[^']*'|\"dpdk:[^\"]*\"", "dpdk", page.read_text())
        for line in text.replace("\\\n", " ").splitlines():
            options = re.search(r"(?:SKUA_DATAPLANE=\"|bin/skua-dataplane |skua-dataplane skua:\S+ |bin/skua-control |skua-control skua:\S+ )(.*)", line)
            if not options:
                continue
            name = "skua-control" if "skua-control" in options[0].split(" --")[0] else "skua-dataplane"
            unknown = set(re.findall(r"(?<!\S)--[a-z][a-z0-9-]+", " " + options[1])) - known[name]
            expect(not unknown, f"{page.name}: {name} has no {unknown}: {line}")
    with Installed() as root:
        for page in pages():
            for path in re.findall(r"/usr/local/(?:share|lib)/[\w./-]*\w", page.read_text()):
                expect((root / path.lstrip("/")).exists(), f"{page.name}: {path} is not installed")


@case("deploy: what the pages say that the programs print is what they print")
def pages_messages():
    """Each first cell of a table of failures that quotes our words: its plain parts stand in the sources."""
    sources = "".join(path.read_text() for folder in ("dataplane", "control", "runtime") for path in (SOURCES / folder).rglob("*.[ch]"))
    joined = re.sub(r"\"\s*\n\s*\"", "", sources).replace('\\"', '"')
    joined += re.sub(r"%[-.*0-9]*[a-z]", "", joined)  # what may be put in may be nothing
    checked = 0
    for page in pages():
        for quoted in re.findall(r"^\| `((?:can't|no AF_XDP|DPDK|--user|user skua|the kernel refuses|stays root|another Skua)[^`]*)`", page.read_text(), re.M):
            for part in PUT_IN.split(quoted):
                words = part.strip(" :.,-").removesuffix(" failed")
                if len(words) > 12:
                    expect(words in joined, f"{page.name}: nothing prints {words!r}, of {quoted!r}")
                    checked += 1
    expect(checked > 20, f"only {checked} parts of messages were found")


@case("deploy: the figures of memory in dpdk.md are those that the program asks for")
def memory_figures():
    page = (SOURCES / "docs/deploy/dpdk.md").read_text()
    free = sum(int(path.read_text()) for path in pathlib.Path("/sys/kernel/mm/hugepages").glob("*/free_hugepages"))
    for words, quoted in (("--no-huge -m 8 ", r"DPDK needs \d+ MiB for .* behind --io dpdk:"), ("", r"DPDK needs \d+ MiB of huge pages .*nr_hugepages")):
        if words == "" and free > 0:
            continue
        with tempfile.TemporaryDirectory(prefix="skua-figures-") as folder:
            done = subprocess.run([build_folder() / "skua-dataplane", "--runtime-dir", folder, "--workers", "1", "--io",
                                   f"dpdk:{words}-a 0000:03:00.0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        if "not in this build" in done.stdout:
            raise Skip("this build has no DPDK")
        found = re.search(quoted, done.stdout)
        expect(found and f"`{found[0]}`" in page, f"dpdk.md does not quote {done.stdout}")


cases.main()
