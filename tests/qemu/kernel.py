"""kernel: Debian's kernel and its modules, unpacked into a folder, installed nowhere.

Installing linux-image-… would run the hooks of initramfs-tools and the boot loader on the host; only its files are wanted. The
folder is kept: the package is fetched once. `kernel.py FOLDER` fetches it and prints its version."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

META_PACKAGE = "linux-image-amd64"
FETCH_SECONDS = 300


class NotThere(Exception):
    """The kernel can't be had; says why and what to do."""


class Kernel:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.version = next(iter(sorted(os.listdir(self.folder / "lib" / "modules"))))
        self.image = self.folder / "boot" / f"vmlinuz-{self.version}"

    def modules_needed(self, names):
        """Paths, relative to the folder, of these modules and all that they need. What is built in, is no file."""
        base = pathlib.Path("lib", "modules", self.version)
        needs, path_of = {}, {}
        for line in (self.folder / base / "modules.dep").read_text().splitlines():
            path, _, others = line.partition(":")
            needs[path] = others.split()
            path_of[re.sub(r"\.ko.*", "", os.path.basename(path)).replace("-", "_")] = path
        built_in = {os.path.basename(line).removesuffix(".ko").replace("-", "_")
                    for line in (self.folder / base / "modules.builtin").read_text().split()}
        wanted, found = [name.replace("-", "_") for name in names], set()
        missing = [name for name in wanted if name not in path_of and name not in built_in]
        if missing:
            raise NotThere(f"kernel {self.version} has no module {', '.join(missing)}")
        todo = [path_of[name] for name in wanted if name in path_of]
        while todo:
            path = todo.pop()
            if path not in found:
                found.add(path)
                todo.extend(needs[path])
        return sorted(str(base / path) for path in found)


def run(*words, folder=None):
    done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=FETCH_SECONDS, check=False)
    return done.returncode, done.stdout


def newest_package():
    """What the meta package depends on, such as linux-image-6.1.0-56-amd64; None without package lists."""
    for line in run("apt-cache", "depends", META_PACKAGE)[1].splitlines():
        found = re.search(r"Depends: (linux-image-[0-9]\S+)", line)
        if found:
            return found[1]
    return None


def download(folder):
    """The package's file in the folder. Lists that are missing or too old are fetched first."""
    output = "no package lists"
    for update in (False, True):
        if update and os.geteuid() == 0:
            run("apt-get", "update", "-q")
        package = newest_package()
        if package:
            code, output = run("apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package, folder=folder)
            files = list(pathlib.Path(folder).glob("*.deb"))
            if code == 0 and files:
                return files[0]
    raise NotThere(f"{META_PACKAGE} can't be fetched ({output.strip()[-300:]}): the host needs Debian 12's package lists "
                   f"(apt-get update) and a mirror that answers (apt-get download {META_PACKAGE})")


def fetch(folder):
    """The kernel in `folder`, fetched if it is not there. Never leaves half of one."""
    folder = pathlib.Path(folder)
    if (folder / "lib" / "modules").is_dir():
        return Kernel(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as temporary:
        whole = pathlib.Path(temporary, "whole")
        code, output = run("dpkg-deb", "-x", str(download(temporary)), str(whole))
        if code != 0:
            raise NotThere(f"dpkg-deb can't unpack the kernel: {output.strip()}")
        shutil.rmtree(whole / "usr", ignore_errors=True)
        if (whole / "usr" / "lib" / "modules").is_dir():
            raise NotThere("the kernel's modules are not where Debian 12 has them")
        version = Kernel(whole).version
        code, output = run("/sbin/depmod", "-b", str(whole), version)
        if code != 0:
            raise NotThere(f"depmod failed: {output.strip()}")
        whole.rename(folder)
    return Kernel(folder)


if __name__ == "__main__":
    try:
        print(fetch(sys.argv[1]).version)
    except NotThere as reason:
        sys.exit(f"kernel: {reason}")
