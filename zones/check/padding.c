/* padding.c: under 3gppnetwork.org an MNC of two digits gets a zero in front (3GPP TS 23.003
 * 19.2); without it no partner ever finds the name. */
#include "zones/check/check_private.h"

#include <string.h>

static const uint8_t suffix[] = "\x0b"
				"3gppnetwork\3org";

/* mnc or mcc, then digits, but not three. */
static bool is_unpadded(const uint8_t *label)
{
	if (label[0] < 4 || label[0] == 6 ||
	    (memcmp(label + 1, "mnc", 3) != 0 && memcmp(label + 1, "mcc", 3) != 0))
		return false;
	for (unsigned i = 4; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
	}
	return true;
}

static void report(struct check *check, zone_name name, const uint8_t *label)
{
	struct place place = check_place(check->zone, name);
	char kind[4] = {(char)(label[1] & ~0x20), (char)(label[2] & ~0x20),
			(char)(label[3] & ~0x20)};

	check_report(check, SEVERITY_WARNING, place, name,
		     "has \"%.*s\", which is not found by others; write the %s with three digits%s",
		     label[0], (const char *)label + 1, kind,
		     label[0] < 6 ? ", zeros in front" : "");
}

/* The label can stand third to fifth from the right: mnc.mcc.3gppnetwork.org, and the same under
 * pub. A label of the apex is reported there, others where they first come. */
void check_padding(struct check *check, zone_name name, unsigned labels)
{
	uint8_t owner[NAME_MAX_OCTETS];

	if (labels < 3 || (labels > 5 && name != ZONE_APEX))
		return;
	zone_owner(check->zone, name, owner);
	if (!name_is_at_or_below(owner, suffix))
		return;
	const uint8_t *label = owner;
	do {
		if (labels <= 5 && is_unpadded(label))
			report(check, name, label);
		label += 1 + *label;
		labels--;
	} while (name == ZONE_APEX && labels >= 3);
}
