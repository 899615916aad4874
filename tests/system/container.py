"""container: a program in a root file system of its own, read-only but for what is mounted, with exactly the capabilities given.

    with Container(root, space, command, capabilities=["net_bind_service"], mounts={"/run/skua": folder}) as container: …

What a container runtime does, of which Debian's tests need none: a mount namespace, chroot(2), the capability sets. Run as a
program it is the inner half of that: container.py ROOT CAPABILITIES UID NO-NEW-PRIVILEGES LIMITS [OUTSIDE:INSIDE…] -- COMMAND…"""

import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
CAPABILITIES = {"chown": 0, "dac_override": 1, "setgid": 6, "setuid": 7, "setpcap": 8, "net_bind_service": 10, "net_admin": 12,
                "net_raw": 13, "ipc_lock": 14, "sys_admin": 21, "sys_rawio": 17, "bpf": 39}


class Container:
    def __init__(self, root, space, command, capabilities=(), mounts=None, user=0, limits="", log=None):
        self.log_path = pathlib.Path(log or root / "log")
        mounts = mounts or {}
        words = ["nsenter", f"--net=/run/netns/{space}", "unshare", "--mount", "--propagation", "private",
                 sys.executable, __file__, str(root), ",".join(capabilities), str(user), limits,
                 *(f"{outside}:{inside}" for inside, outside in mounts.items()), "--", *map(str, command)]
        with open(self.log_path, "ab") as log_file:
            self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file, cwd="/")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(20)

    def stop(self):
        """Exit status after SIGTERM; what does not stop is killed."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            return self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def enter(root, pairs):
    """Here, in a mount namespace of its own: root, read-only, with what is bound into it."""
    mount("--bind", root, root)
    for pair in pairs:
        outside, inside = pair.split(":")
        mount("--bind", outside, root + inside)
    mount("-t", "proc", "proc", root + "/proc")
    mount("-t", "sysfs", "sysfs", root + "/sys")  # of this network namespace
    for name in ("null", "zero", "random", "urandom"):
        (pathlib.Path(root) / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    mount("-o", "remount,bind,ro", root)
    os.chdir(root)
    os.chroot(".")


def keep_only(capabilities):
    libc = ctypes.CDLL(None, use_errno=True)
    wanted = {CAPABILITIES[name] for name in capabilities}
    last = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if number not in wanted and libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"dropping capability {number}")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")


def set_limit(name, value):
    """False: this host does not let us raise the hard limit (CAP_SYS_RESOURCE)."""
    kind = getattr(resource, "RLIMIT_" + name)
    number = resource.RLIM_INFINITY if value == "infinity" else int(value)
    try:
        resource.setrlimit(kind, (number, number))
        return True
    except ValueError:
        return False


def main():
    root, capabilities, user, limits = sys.argv[1:5]
    at = sys.argv.index("--")
    command = sys.argv[at + 1:]
    kept = list(filter(None, capabilities.split(",")))
    for limit in filter(None, limits.split(",")):
        if not set_limit(*limit.split("=")) and limit.startswith("MEMLOCK"):
            kept.append("ipc_lock")  # is not held to that limit
    enter(root, sys.argv[5:at])
    keep_only(kept)
    if user != "0":
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
