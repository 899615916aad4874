"""machine: what the figures were measured on: hardware, kernel, versions."""
import os
import platform
import re
import subprocess
import time

import subjects

PACKAGES = ("knot", "nsd", "bind9", "dpdk-dev", "knot-dnsutils", "dnsperf", "valgrind", "gcc", "libxdp1", "libbpf1")


def output(*words):
    done = subprocess.run(words, text=True, capture_output=True, check=False, cwd=os.path.dirname(os.path.abspath(__file__)))
    return done.stdout.strip() if done.returncode == 0 else ""


def stalls(build, seconds):
    """What the server's core is taken away for while it does nothing else: {"stalls", "share" in %, "longest_us"}."""
    said = output("taskset", "-c", subjects.SERVER_CORE, f"{build}/bench/stalls", str(seconds))
    return {key: float(value) for key, value in (pair.split("=") for pair in said.split())}


def describe(scale, build):
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1]) // 1024
    changed = " with changes" if output("git", "status", "--porcelain", "--untracked-files=no") else ""
    return {"processor": model[1] if model else platform.machine(), "cores": os.cpu_count(), "memory_mib": memory,
            "kernel": platform.release(), "load_before": os.getloadavg()[0], "revision": (output("git", "rev-parse", "--short=12", "HEAD") or "?") + changed,
            "started": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "scale": scale,
            "stalls": stalls(build, {"full": 5, "quick": 2, "smoke": 0.1}[scale]),
            "versions": {package: version for package in PACKAGES if (version := subjects.installed(package))}}
