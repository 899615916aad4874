/* cookie_secrets.h: the secrets of server cookies (RFC 9018 5): a file that all nodes of an anycast
 * address share, or random ones of this process.
 *
 * The file has one secret of 32 hexadecimal digits a line, at most POLICY_SECRETS of them; empty
 * lines and what stands behind '#' are ignored. The first makes cookies, all are accepted. What is
 * in it is never shown, in messages neither.
 * Threads: one. */
#ifndef SKUA_CONTROL_POLICY_COOKIE_SECRETS_H
#define SKUA_CONTROL_POLICY_COOKIE_SECRETS_H

#include "zones/abi/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* False, with a line for the user: *cookies is not to be used. */
bool cookie_secrets_read(const char *path, struct policy_cookies *cookies, char *error,
			 size_t error_size);

/* One secret, the same at every call of a process. False: the kernel gives no random octets. */
bool cookie_secrets_random(struct policy_cookies *cookies, char *error, size_t error_size);

#endif
