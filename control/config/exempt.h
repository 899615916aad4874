/* exempt.h: who is exempt from the rate limits, as users write it: ADDR/BITS, or ADDR alone.
 * Threads: any. Nothing is allocated, no name is looked up. Source: RFC 4632 3.1, RFC 4291 2.3. */
#ifndef SKUA_CONTROL_CONFIG_EXEMPT_H
#define SKUA_CONTROL_CONFIG_EXEMPT_H

#include "zones/abi/policy.h"

#include <stdbool.h>

#define EXEMPT_NONE "none" /* instead of a prefix: not even those of exempt_default() */

/* False if text is no prefix, or has bits set behind its length: that is mostly a slip. */
bool exempt_from_text(const char *text, struct policy_prefix *exempt);

/* The networks that 5G cores are built of, which nobody outside can take an address from: private
 * (RFC 1918, 4193), shared (RFC 6598), link-local and loopback. NULL from the last `index` on. */
const char *exempt_default(unsigned index);

#endif
