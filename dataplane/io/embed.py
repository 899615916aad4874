"""Writes a file as a C array, so that the program carries it: embed.py INPUT OUTPUT NAME."""
import sys

source, target, name = sys.argv[1:]
with open(source, "rb") as file:
    octets = file.read()
with open(target, "w", encoding="ascii") as file:
    file.write("/* Made by embed.py. */\n#include <stddef.h>\n")
    # libbpf reads it as an ELF file, in place.
    file.write(f"extern const unsigned char {name}[];\nextern const size_t {name}_size;\n")
    file.write(f"const unsigned char {name}[] __attribute__((aligned(16))) = {{\n")
    for at in range(0, len(octets), 16):
        file.write("\t" + ", ".join(f"0x{o:02x}" for o in octets[at:at + 16]) + ",\n")
    file.write(f"}};\nconst size_t {name}_size = sizeof({name});\n")
