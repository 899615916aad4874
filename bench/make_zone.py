"""Writes a zone of N A records as a mobile core has them. Usage: make_zone.py N [FILE]

h0 … hN-1 under epc.mnc001.mcc228.3gppnetwork.org.; the address of h<i> is 198.18.0.0 + i mod 2^17."""
import sys

ORIGIN = "epc.mnc001.mcc228.3gppnetwork.org."
HOSTS = "h%d"
NODES = "topon.s5.pgw%d.node"  # as TS 29.303 names a gateway's interface: two names more for each record


def address(number):
    number %= 1 << 17
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def write_zone(file, count, pattern=HOSTS):
    file.write(f"$ORIGIN {ORIGIN}\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 900 604800 60\n@ IN NS ns\nns IN A 192.0.2.53\n")
    for start in range(0, count, 10000):
        file.write("".join(f"{pattern % i} IN A {address(i)}\n" for i in range(start, min(start + 10000, count))))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", encoding="ascii") as file:
            write_zone(file, int(sys.argv[1]))
    else:
        write_zone(sys.stdout, int(sys.argv[1]))


if __name__ == "__main__":
    main()
