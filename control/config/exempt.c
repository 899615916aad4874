#include "control/config/exempt.h"

#include <arpa/inet.h>
#include <string.h>

const char *exempt_default(unsigned index)
{
	static const char *const networks[] = {"10.0.0.0/8",	"172.16.0.0/12", "192.168.0.0/16",
					       "100.64.0.0/10", "127.0.0.0/8",	 "::1",
					       "fc00::/7",	"fe80::/10"};

	return index < sizeof(networks) / sizeof(networks[0]) ? networks[index] : NULL;
}

/* The number behind the slash, up to `most`. */
static bool length_from_text(const char *text, unsigned most, uint8_t *length)
{
	unsigned number = 0;

	if (*text == '\0' || strlen(text) > 3)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned)(*text - '0');
	}
	*length = (uint8_t)number;
	return number <= most;
}

/* True if no bit is set from `length` on. */
static bool is_network(const uint8_t address[16], unsigned length)
{
	for (unsigned bit = length; bit < 128; bit++) {
		if (address[bit / 8] & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

bool exempt_from_text(const char *text, struct policy_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t octets = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];

	memset(prefix, 0, sizeof(*prefix));
	if (octets >= sizeof(host))
		return false;
	memcpy(host, text, octets);
	host[octets] = '\0';
	prefix->family = strchr(host, ':') != NULL ? 6 : 4;
	prefix->length = prefix->family == 6 ? 128 : 32;
	if (inet_pton(prefix->family == 6 ? AF_INET6 : AF_INET, host, prefix->address) != 1)
		return false;
	if (slash != NULL && !length_from_text(slash + 1, prefix->length, &prefix->length))
		return false;
	return is_network(prefix->address, prefix->length);
}
