/* hex.h: octets from hexadecimal digits. Threads: any. */
#ifndef SKUA_CONTROL_POLICY_HEX_H
#define SKUA_CONTROL_POLICY_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: not an even number of hexadecimal digits and nothing else, or more than `most` octets. */
bool hex_from_text(const char *text, uint8_t *octets, size_t most, size_t *count);

#endif
