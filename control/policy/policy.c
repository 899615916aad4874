/* policy.c: see policy.h. */
#include "control/policy/policy.h"

#include <string.h>

bool policy_make(const struct config *config, struct policy *policy, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	memset(policy, 0, sizeof(*policy)); /* also what is between fields: policies are compared */
	policy->settings.udp_size = (uint16_t)config_number(config, KEY_udp_size);
	policy->settings.additional = config_flag(config, KEY_additional);
	policy->settings.rotate = config_flag(config, KEY_rotate);
	policy->image.nsec3_hashes = (uint32_t)config_number(config, KEY_nsec3_hashes);
	return true;
}
