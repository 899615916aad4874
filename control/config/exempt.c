#include "control/config/exempt.h"

#include "zones/prefix/prefix.h"

#include <string.h>

const char *exempt_default(unsigned index)
{
	static const char *const networks[] = {"10.0.0.0/8",	"172.16.0.0/12", "192.168.0.0/16",
					       "100.64.0.0/10", "127.0.0.0/8",	 "::1",
					       "fc00::/7",	"fe80::/10"};

	return index < sizeof(networks) / sizeof(networks[0]) ? networks[index] : NULL;
}

bool exempt_from_text(const char *text, struct policy_prefix *exempt)
{
	struct prefix prefix;

	memset(exempt, 0, sizeof(*exempt));
	if (prefix_from_text(text, &prefix) != NULL)
		return false;
	prefix_octets(&prefix, exempt->address);
	exempt->family = prefix.family;
	exempt->length = prefix.length;
	return true;
}
