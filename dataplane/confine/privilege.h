/* privilege.h: giving up user and capabilities, for good.
 *
 * Capabilities are numbers of linux/capability.h as bits: 1 << CAP_BPF.
 * Threads: the main thread, before it starts others; privilege_drop: any, for itself. Threads that
 * a library has started become the user too (libc sees to that) and lose all capabilities with it;
 * if the user stays, they keep what they have. Source:  capabilities(7), prctl(2). */
#ifndef SKUA_DATAPLANE_CONFINE_PRIVILEGE_H
#define SKUA_DATAPLANE_CONFINE_PRIVILEGE_H

#include "dataplane/confine/account.h"

#include <stdint.h>

/* No program that this process starts can have more than it; also what lets a filter of system
 * calls in without root. First thing in main(): threads inherit it. */
bool privilege_no_new(void);

/* Off: this thread keeps its capabilities, but none is in force, so that trying shows what works
 * without them. On: all are in force. */
bool privilege_in_force(bool on);

/* Whether this thread may put that capability in force. */
bool privilege_had(unsigned capability);

/* Becomes the account if its choice is ACCOUNT_BECOME, with the groups that the user database gives
 * it, and keeps `capabilities` only. Nothing leads back. False with a line for the user. */
bool privilege_give_up(const struct account *account, uint64_t capabilities, char *error,
		       size_t error_size);

/* This thread gives up what capabilities it has, whatever the main one keeps. False with errno. */
bool privilege_drop(void);

/* "none", or names as in capabilities(7): "cap_net_admin,cap_bpf". */
void privilege_text(uint64_t capabilities, char *text, size_t size);

#endif
