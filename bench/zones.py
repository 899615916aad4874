"""zones: the zone file of a size, and the queries for it, made once for all figures."""
import os

from make_zone import HOSTS, ORIGIN, write_zone


def zone_file(bench, count, pattern=HOSTS):
    path = os.path.join(bench.folder, f"epc-{count}-{pattern % 0}.zone")
    if not os.path.exists(path):
        bench.step(f"writing a zone of {count:,} names")
        with open(path, "w", encoding="ascii") as file:
            write_zone(file, count, pattern)
        os.chmod(path, 0o644)
    return path


def query_file(bench, count):
    """One A query for each name, in an order that jumps about, as kxdpgun and dnsperf read them."""
    path = os.path.join(bench.folder, f"epc-{count}.queries")
    if not os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("".join(f"h{number * 7919 % count}.{ORIGIN} A\n" for number in range(count)))
    return path
