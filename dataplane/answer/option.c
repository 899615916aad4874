/* option.c: see option.h.
 *
 * What the peers do differently: of several cookies Knot takes the last, and NSD breaks; NSD and
 * Knot ignore a client subnet, and so what is wrong with it; BIND answers an unknown family with
 * FORMERR, but RFC 7871 6 knows no rule for its octets that it could break: it is ignored. */
#include "dataplane/answer/option.h"

#include "zones/record/record.h"

#include <string.h>

#define SUBNET_FIXED 4u /* family, source and scope prefix length */
#define FAMILY_IPV4  1u
#define FAMILY_IPV6  2u
#define COOKIE_LEAST 16u /* octets with a server cookie: RFC 7873 4 */
#define COOKIE_MOST  40u

/* RFC 7873 5.2.2 */
static bool read_cookie(const uint8_t *octets, size_t length, struct asked_options *o)
{
	if (o->asked & ASKED_COOKIE)
		return true;
	if (length != COOKIE_CLIENT_OCTETS && (length < COOKIE_LEAST || length > COOKIE_MOST))
		return false;
	o->asked |= ASKED_COOKIE;
	o->cookie.length = (uint8_t)length;
	memcpy(o->cookie.octets, octets, length < COOKIE_OCTETS ? length : COOKIE_OCTETS);
	return true;
}

/* True if no bit behind the first `bits` is set. */
static bool ends_in_zeros(const uint8_t *address, unsigned bits)
{
	return bits % 8 == 0 || (uint8_t)(address[bits / 8] << bits % 8) == 0;
}

/* RFC 7871 6: as many octets as the prefix needs, and nothing set behind it. 7.1.2: the scope of a
 * query is 0. */
static bool read_subnet(const uint8_t *octets, size_t length, struct asked_options *o)
{
	struct query_subnet *subnet = &o->subnet;

	if (o->asked & ASKED_SUBNET)
		return true;
	if (length < SUBNET_FIXED)
		return false;
	unsigned family = get_u16(octets);
	unsigned source = octets[2];
	if (family != FAMILY_IPV4 && family != FAMILY_IPV6)
		return true;
	if (source > (family == FAMILY_IPV4 ? 32 : 128) || octets[3] != 0 ||
	    length != SUBNET_FIXED + (source + 7) / 8 ||
	    !ends_in_zeros(octets + SUBNET_FIXED, source))
		return false;
	o->asked |= ASKED_SUBNET;
	subnet->family = family == FAMILY_IPV4 ? 4 : 6;
	subnet->source = (uint8_t)source;
	subnet->scope = 0;
	memset(subnet->address, 0, sizeof(subnet->address));
	memcpy(subnet->address, octets + SUBNET_FIXED, length - SUBNET_FIXED);
	return true;
}

/* One option; false: it is malformed. */
static bool read_option(unsigned code, const uint8_t *octets, size_t length,
			struct asked_options *o)
{
	switch (code) {
	case OPTION_NSID: /* what a query says in it is ignored (RFC 5001 2.1) */
		o->asked |= ASKED_NSID;
		return true;
	case OPTION_SUBNET:
		return read_subnet(octets, length, o);
	case OPTION_COOKIE:
		return read_cookie(octets, length, o);
	case OPTION_KEEPALIVE: /* good or bad by the transport, which is not known here */
		if (!(o->asked & (ASKED_KEEPALIVE | ASKED_TIMEOUT)))
			o->asked |= length == 0 ? ASKED_KEEPALIVE : ASKED_TIMEOUT;
		return true;
	}
	return true;
}

enum option_verdict options_read(const uint8_t *octets, size_t length, struct asked_options *o)
{
	enum option_verdict verdict = OPTIONS_GOOD;

	while (length >= OPTION_HEADER) {
		unsigned code = get_u16(octets);
		size_t data = get_u16(octets + 2);

		octets += OPTION_HEADER;
		length -= OPTION_HEADER;
		if (data > length)
			return OPTIONS_BROKEN;
		if (!read_option(code, octets, data, o))
			verdict = OPTIONS_MALFORMED;
		octets += data;
		length -= data;
	}
	return length == 0 ? verdict : OPTIONS_BROKEN;
}
