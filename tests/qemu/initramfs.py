"""initramfs: the root file system of the guest: busybox, the programs under test, and all that they need from this host.

The programs, DPDK's drivers and FRR are this host's files with the libraries that `ldd` names, at the same paths, so that the
loader finds them without a cache. The archive is written here (cpio's "newc" format, Documentation/driver-api/early-userspace/
buffer-format.rst of the kernel): everything belongs to root, whoever builds it."""

import glob
import os
import pathlib
import re
import shutil
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
FOLDERS = ["dev", "proc", "sys", "run", "tmp", "root", "etc/frr", "var/log", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"]
DRIVERS = ["bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000", "net_vmxnet3", "net_tap", "net_af_packet"]
MODULES = ["vfio-pci", "vfio_iommu_type1", "uio_pci_generic", "virtio_pci", "virtio_net", "e1000", "e1000e", "vmxnet3", "tun",
           "vhost_net", "8021q", "bridge", "veth"]
TOOLS = ["/usr/bin/ip", "/usr/sbin/bridge", "/usr/sbin/ethtool", "/usr/lib/frr/bgpd", "/usr/sbin/xdp-loader"]
DISPATCHER = "/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o"  # what libxdp loads
PASSWD = "root:x:0:0::/root:/bin/sh\nskua:x:900:900::/nonexistent:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nskua:x:900:\nfrrvty:x:901:\n"


class Incomplete(Exception):
    """Something that the guest needs is not on this host; says what."""


def libraries(program):
    """Absolute paths of what the loader would load."""
    done = subprocess.run(["ldd", str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if "not found" in done.stdout:
        raise Incomplete(f"{program}: {re.search(r'.*not found', done.stdout)[0].strip()}")
    return re.findall(r"(/\S+) \(0x", done.stdout)


class Tree:
    """A folder that becomes the archive."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in FOLDERS:
            if name.split("/")[0] not in LINKS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, target in LINKS.items():
            (self.folder / name).symlink_to(target)
        (self.folder / "lib/modules").mkdir()
        (self.folder / "var/run").symlink_to("/run")

    def place(self, path):
        """Where a path of the guest lies: the links of its root are followed here, never those of the host."""
        first, _, rest = str(path).lstrip("/").partition("/")
        return self.folder / LINKS.get(first, first) / rest

    def write(self, path, text, mode=0o644):
        place = self.place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def copy(self, source, path=None, mode=0o755):
        place = self.place(path or source)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copyfile(source, place)
            place.chmod(mode)

    def program(self, source, path=None):
        if not os.path.exists(source):
            raise Incomplete(f"{source} is not there")
        self.copy(source, path)
        for library in libraries(source):
            self.copy(library)


def add_drivers(tree):
    """The EAL loads what ends with its whole version (.so.23.0) in the folder of drivers; drivers need each other by the short one
    (.so.23). In Debian all these are links to one file, and must be here, or a driver is there twice."""
    for name in DRIVERS:
        files = [path for path in glob.glob(f"/usr/lib/*/dpdk/pmds-*/librte_{name}.so.*") if re.search(r"\.so\.\d+\.\d+$", path)]
        if not files:
            raise Incomplete(f"DPDK's driver {name} is not there: install Debian's dpdk packages (scripts/setup --test)")
        for library in libraries(files[0]):
            tree.copy(library)
        file = f"/usr/lib/{files[0].split('/')[3]}/{os.path.basename(files[0]).rpartition('.')[0]}"
        tree.copy(file)
        tree.place(files[0]).parent.mkdir(parents=True, exist_ok=True)
        tree.place(files[0]).symlink_to(file)


def add_modules(tree, kernel):
    for path in kernel.modules_needed(MODULES):
        tree.copy(kernel.folder / path, "/" + path, 0o644)
    base = f"lib/modules/{kernel.version}"
    for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        tree.copy(kernel.folder / base / name, f"/{base}/{name}", 0o644)
    subprocess.run(["/sbin/depmod", "-b", str(tree.folder), kernel.version], check=True)


def add_programs(tree, build):
    tree.program("/bin/busybox")
    for path in TOOLS:
        tree.program(path)
    tree.copy(DISPATCHER, mode=0o644)
    for name in ("skua", "skua-control", "skua-dataplane"):
        tree.program(pathlib.Path(build, name), f"/usr/bin/{name}")


def entry(name, mode, size, number, device=(0, 0)):
    """The header of a file in the archive, with its name; both end on a multiple of 4."""
    octets = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, size, 0, 0, *device, len(octets), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + octets
    return head + bytes(-len(head) % 4)


def pack(folder, archive):
    with open(archive, "wb") as out:
        out.write(entry("dev", stat.S_IFDIR | 0o755, 0, 1))
        out.write(entry("dev/console", stat.S_IFCHR | 0o600, 0, 2, (5, 1)))
        for number, path in enumerate(sorted(folder.rglob("*")), 3):
            status = path.lstat()
            octets = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            out.write(entry(str(path.relative_to(folder)), status.st_mode, len(octets), number))
            out.write(octets + bytes(-len(octets) % 4))
        out.write(entry("TRAILER!!!", 0, 0, 0))


def build(folder, kernel, programs, files):
    """Writes folder/initrd.cpio: programs: the build folder; files: {path in the guest: text, or the path of a file} besides."""
    folder = pathlib.Path(folder)
    tree = Tree(folder / "root")
    add_programs(tree, programs)
    add_drivers(tree)
    add_modules(tree, kernel)
    tree.copy(HERE / "init", "/init")
    for path, text in {"/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
                       **files}.items():
        if isinstance(text, pathlib.Path):
            tree.copy(text, path)
        else:
            tree.write(path, text)
    pack(tree.folder, folder / "initrd.cpio")
    shutil.rmtree(tree.folder)
    return folder / "initrd.cpio"
