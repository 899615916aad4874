#include "control/http/soa_query.h"

#include "zones/name/name.h"
#include "zones/record/record.h"

#include <string.h>

#define HEADER 12u

size_t soa_query_make(const uint8_t *zone, uint16_t id, uint8_t query[SOA_QUERY_MOST])
{
	size_t length = name_length(zone, NAME_MAX_OCTETS);

	memset(query, 0, HEADER);
	put_u16(query, id);
	put_u16(query + 4, 1); /* one question */
	memcpy(query + HEADER, zone, length);
	put_u16(query + HEADER + length, TYPE_SOA);
	put_u16(query + HEADER + length + 2, CLASS_IN);
	return HEADER + length + 4;
}

const char *soa_query_judge(const uint8_t *message, size_t length, uint16_t id, bool for_others)
{
	static const char *const rcode[16] = {
	    [1] = "the dataplane answers FORMERR",  [2] = "the dataplane answers SERVFAIL",
	    [3] = "the dataplane answers NXDOMAIN", [4] = "the dataplane answers NOTIMP",
	    [5] = "the dataplane answers REFUSED",
	};

	if (length < HEADER || get_u16(message) != id || (message[2] & 0x80) == 0)
		return "what came back is no answer to our query";
	uint8_t code = message[3] & 15;

	if (for_others && (code == 0 || code == 3 || code == 5))
		return NULL;
	if (code != 0)
		return rcode[code] != NULL ? rcode[code] : "the dataplane answers with an error";
	return get_u16(message + 6) > 0 ? NULL : "the dataplane's answer holds no SOA";
}
