/* policy.h: from the settings of an instance to what its image says beside the zones
 * (zones/abi/policy.h).
 *
 * Threads: one. Errors: a line for the user; then nothing is to be changed. */
#ifndef SKUA_CONTROL_POLICY_POLICY_H
#define SKUA_CONTROL_POLICY_POLICY_H

#include "control/config/config.h"
#include "zones/abi/policy.h"
#include "zones/prefix/client_table.h"

struct policy {
	struct image_settings settings;
	struct image_policy image;
	struct client_table *clients; /* owned; NULL: nothing depends on who asks */
};

/* Reads the files that settings name anew each time. policy_done() it, if it could be made. */
bool policy_make(const struct config *config, struct policy *policy, char *error,
		 size_t error_size);
void policy_done(struct policy *policy);
bool policy_equal(const struct policy *a, const struct policy *b);

#endif
