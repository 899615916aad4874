/* room.c: records that no answer could show, since a name's node in the image has an end. Said
 * here, with the place: a type that was left out of a node would be answered as if there were none.
 */
#include "zones/check/check_private.h"

#include "zones/check/signed_private.h"
#include "zones/compile/node.h"

static const char *type_text(const struct rrset_view *set, char text[SIGNED_TYPE_TEXT])
{
	return signed_type_text(set->type == TYPE_RRSIG ? set->covered : set->type, text);
}

void check_room(struct check *check, zone_name name)
{
	/* Its records, each of two octets at least, take at most 14 times as much in a node. */
	const uint32_t small = IMAGE_NODE_MAX / 64;
	struct compile_excess excess;
	char type[SIGNED_TYPE_TEXT];

	if (name != ZONE_APEX && zone_octets(check->zone, name) <= small)
		return;
	compile_excess(check->zone, name, &excess);
	if (excess.rrset.count != 0)
		check_report(
		    check, SEVERITY_ERROR, excess.rrset.place, name,
		    "has more records than a name can hold (%u octets, %u types), from its "
		    "%s%s on; spread them over several names",
		    IMAGE_NODE_MAX, NODE_RRSETS,
		    excess.rrset.type == TYPE_RRSIG ? "signatures of " : "",
		    type_text(&excess.rrset, type));
	if (excess.signatures.count != 0)
		check_report(check, SEVERITY_WARNING, excess.signatures.place, name,
			     "has signatures with which %s fits into no message, and is answered "
			     "without them; make the RRset smaller",
			     type_text(&excess.signatures, type));
}
