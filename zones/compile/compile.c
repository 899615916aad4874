#include "zones/compile/compile.h"

#include "zones/compile/node.h"
#include "zones/name/name.h"
#include "zones/record/record.h"

#include <string.h>

/* A name while its node is made. */
struct subject {
	const struct zone_set *zones;
	const uint8_t *owner;
	const struct zone *zone; /* that it belongs to; NULL: none */
	zone_name name;		 /* in that zone; ZONE_NO_NAME: only deeper apexes make it exist */
	bool is_apex;
	bool above_apex; /* a deeper apex needs it to exist */
	bool occluded;	 /* a DNAME stands above it in its zone */
	uint8_t apex_labels;
	uint8_t cut_labels;
};

static bool has_type(const struct zone *zone, zone_name name, uint16_t type)
{
	struct rrset_view view;

	return zone_rrset(zone, name, type, &view);
}

static uint8_t labels_of(const struct zone *zone, zone_name name, uint8_t apex_labels)
{
	for (; name != ZONE_APEX; name = zone_parent(zone, name))
		apex_labels++;
	return apex_labels;
}

static void subject_place(struct subject *subject)
{
	const struct zone *zone = subject->zone;
	zone_name nearest = subject->name;

	if (nearest == ZONE_NO_NAME) {
		nearest = zone_deepest(zone, subject->owner);
		subject->occluded = has_type(zone, nearest, TYPE_DNAME);
	}
	struct zone_place place = zone_place_of(zone, nearest);
	if (place.dname != ZONE_NO_NAME)
		subject->occluded = true;
	if (place.cut != ZONE_NO_NAME)
		subject->cut_labels = labels_of(zone, place.cut, subject->apex_labels);
}

static void subject_find(struct subject *subject, const struct zone_set *zones,
			 const uint8_t *owner)
{
	*subject = (struct subject){.zones = zones,
				    .owner = owner,
				    .zone = zone_set_zone_of(zones, owner, false),
				    .name = ZONE_NO_NAME,
				    .above_apex = zone_set_is_above_apex(zones, owner),
				    .apex_labels = IMAGE_NONE,
				    .cut_labels = IMAGE_NONE};
	if (subject->zone == NULL)
		return;
	subject->name = zone_find(subject->zone, owner);
	subject->is_apex = subject->name == ZONE_APEX;
	subject->apex_labels = (uint8_t)name_labels(zone_apex(subject->zone));
	if (subject->name != ZONE_NO_NAME || subject->above_apex)
		subject_place(subject);
}

/* A name that no records of its zone speak of, or none that count there. */
static bool subject_is_empty(const struct subject *subject)
{
	return subject->zone == NULL || subject->occluded || subject->name == ZONE_NO_NAME ||
	       zone_is_nsec3_owner(subject->zone, subject->name);
}

/* "*.owner" is a node of the same zone: it is in the tree, or a deeper apex makes it exist; and it
 * is no apex itself. */
static bool subject_has_wildcard(const struct subject *subject)
{
	bool in_tree =
	    subject->name != ZONE_NO_NAME && zone_has_wildcard(subject->zone, subject->name);
	uint8_t wildcard[NAME_MAX_OCTETS] = {1, '*'};
	size_t length = name_length(subject->owner, NAME_MAX_OCTETS);

	if ((!in_tree && !subject->above_apex) || length + 2 > NAME_MAX_OCTETS)
		return false;
	/* Below a DNAME nothing is a node of this zone. */
	if (subject->name != ZONE_NO_NAME && has_type(subject->zone, subject->name, TYPE_DNAME))
		return false;
	memcpy(wildcard + 2, subject->owner, length);
	if (zone_set_find(subject->zones, wildcard) != NULL)
		return false;
	return in_tree || zone_set_is_above_apex(subject->zones, wildcard);
}

/* The RRsets of a node, sorted by type. */
struct gathered {
	unsigned count;
	bool too_many;
	struct node_rrset rrset[NODE_RRSETS];
};

static struct node_rrset *gather(struct gathered *gathered, uint16_t type)
{
	unsigned at = gathered->count;

	if (at == NODE_RRSETS) {
		gathered->too_many = true;
		return NULL;
	}
	for (; at > 0 && gathered->rrset[at - 1].type > type; at--)
		gathered->rrset[at] = gathered->rrset[at - 1];
	gathered->count++;
	gathered->rrset[at].type = type;
	gathered->rrset[at].flags = 0;
	gathered->rrset[at].signatures.count = 0;
	return &gathered->rrset[at];
}

static void gather_signatures(struct gathered *gathered, const struct rrset_view *signatures)
{
	for (unsigned i = 0; i < gathered->count; i++) {
		if (gathered->rrset[i].type == signatures->covered &&
		    (gathered->rrset[i].flags & IMAGE_RRSET_PARENT_SIDE) == 0)
			gathered->rrset[i].signatures = *signatures;
	}
}

/* Type 0 stands for something else in a node; DS belongs to the other side of an apex. Signatures
 * are not RRsets of their own here, and those that cover nothing are left out. */
static bool is_answerable(uint16_t type, bool is_apex)
{
	return type != IMAGE_TYPE_NEGATIVE_SOA && type != TYPE_RRSIG &&
	       !(is_apex && type == TYPE_DS);
}

static void gather_own(struct gathered *gathered, const struct zone *zone, zone_name name)
{
	struct rrset_view view;
	uint32_t at = 0;
	bool is_signed = false;

	while (zone_rrset_next(zone, name, &at, &view)) {
		is_signed = is_signed || view.type == TYPE_RRSIG;
		if (!is_answerable(view.type, name == ZONE_APEX))
			continue;
		struct node_rrset *rrset = gather(gathered, view.type);
		if (rrset != NULL)
			rrset->set = view;
	}
	for (at = 0; is_signed && zone_rrset_next(zone, name, &at, &view);) {
		if (view.type == TYPE_RRSIG && view.covered != IMAGE_TYPE_NEGATIVE_SOA)
			gather_signatures(gathered, &view);
	}
}

/* The SOA of negative answers lives no longer than its MINIMUM says (RFC 2308 5), and neither do
 * its signatures. */
static void gather_negative_soa(struct gathered *gathered, const struct zone *zone)
{
	struct rrset_view soa, signatures;
	const uint8_t *rdata;
	uint32_t at = 0;
	uint16_t length;

	if (!zone_rrset(zone, ZONE_APEX, TYPE_SOA, &soa) ||
	    !rrset_record_next(&soa, &at, &rdata, &length) ||
	    !rdata_is_sound(TYPE_SOA, rdata, length))
		return;
	struct node_rrset *rrset = gather(gathered, IMAGE_TYPE_NEGATIVE_SOA);
	if (rrset == NULL)
		return;
	uint32_t minimum = get_u32(rdata + length - 4);
	soa.ttl = soa.ttl < minimum ? soa.ttl : minimum;
	rrset->set = soa;
	if (zone_signatures(zone, ZONE_APEX, TYPE_SOA, &signatures)) {
		rrset->signatures = signatures;
		rrset->signatures.ttl = soa.ttl;
	}
}

/* The zone above says whether this zone is signed (RFC 4035 3.1.4.1); it has no DS to give if a
 * higher cut or a DNAME takes the apex out of its hands. Returns that zone's apex labels, or
 * IMAGE_NONE. */
static uint8_t gather_parent_side(struct gathered *gathered, const struct subject *subject)
{
	const struct zone *above = zone_set_zone_of(subject->zones, subject->owner, true);

	if (above == NULL)
		return IMAGE_NONE;
	zone_name name = zone_find(above, subject->owner);
	zone_name nearest = name != ZONE_NO_NAME ? name : zone_deepest(above, subject->owner);
	struct zone_place place = zone_place_of(above, nearest);
	bool taken = (place.cut != ZONE_NO_NAME && place.cut != name) ||
		     place.dname != ZONE_NO_NAME ||
		     (name == ZONE_NO_NAME && has_type(above, nearest, TYPE_DNAME));

	struct rrset_view ds, signatures;
	if (!taken && name != ZONE_NO_NAME && zone_rrset(above, name, TYPE_DS, &ds)) {
		struct node_rrset *rrset = gather(gathered, TYPE_DS);

		if (rrset != NULL) {
			rrset->set = ds;
			rrset->flags = IMAGE_RRSET_PARENT_SIDE;
			if (zone_signatures(above, name, TYPE_DS, &signatures))
				rrset->signatures = signatures;
		}
	}
	return (uint8_t)name_labels(zone_apex(above));
}

static void put_flags(struct image_node *node, const struct subject *subject)
{
	if (subject->is_apex)
		node->flags |= IMAGE_NODE_APEX;
	if (subject->cut_labels == node->labels)
		node->flags |= IMAGE_NODE_CUT;
	if (subject_has_wildcard(subject))
		node->flags |= IMAGE_NODE_WILDCARD;
	if (subject_is_empty(subject))
		return;
	if (has_type(subject->zone, subject->name, TYPE_CNAME))
		node->flags |= IMAGE_NODE_CNAME;
	if (has_type(subject->zone, subject->name, TYPE_DNAME))
		node->flags |= IMAGE_NODE_DNAME;
}

enum compile_result compile_node(const struct zone_set *zones, const uint64_t hash_key[2],
				 const uint8_t *owner, struct image_node *block)
{
	struct gathered gathered;
	struct node_writer writer;
	struct subject subject;

	gathered.count = 0;
	gathered.too_many = false;
	subject_find(&subject, zones, owner);
	bool empty = subject_is_empty(&subject);
	if (empty && !subject.above_apex)
		return COMPILE_ABSENT;
	node_start(&writer, block, owner);
	/* What a DNAME occludes is of no zone, even where a deeper apex makes it exist. */
	if (subject.zone != NULL && !subject.occluded) {
		block->apex_labels = subject.apex_labels;
		block->cut_labels = subject.cut_labels;
		put_flags(block, &subject);
	}
	if (!empty)
		gather_own(&gathered, subject.zone, subject.name);
	if (subject.is_apex) {
		block->zone_index = zone_set_index(zones, owner);
		block->parent_apex_labels = gather_parent_side(&gathered, &subject);
		gather_negative_soa(&gathered, subject.zone);
	}
	node_put_rrsets(&writer, hash_key, gathered.rrset, gathered.count);
	writer.too_large = writer.too_large || gathered.too_many;
	return node_finish(&writer);
}

/* A type that has no say in its name's flags, and no other place in a node than its own. */
static bool is_ordinary(uint16_t type)
{
	return type != TYPE_CNAME && type != TYPE_DNAME && type != TYPE_NSEC3 &&
	       is_answerable(type, false);
}

static void start_walked(struct node_writer *writer, const struct zone_walk *walk,
			 struct image_node *block)
{
	node_start_at(writer, block, walk->owner, walk->length, walk->labels);
	block->apex_labels = walk->apex_labels;
	block->cut_labels = walk->cut_labels;
}

/* Returns whether the name has a DNAME. */
static bool put_alias_flags(struct image_node *node, const struct gathered *gathered)
{
	bool dname = false;

	for (unsigned i = 0; i < gathered->count; i++) {
		if (gathered->rrset[i].type == TYPE_CNAME)
			node->flags |= IMAGE_NODE_CNAME;
		dname = dname || gathered->rrset[i].type == TYPE_DNAME;
	}
	if (dname)
		node->flags |= IMAGE_NODE_DNAME;
	return dname;
}

/* As put_flags() and subject_has_wildcard(). */
static void put_walked_flags(struct image_node *node, const struct zone_walk *walk, bool dname)
{
	if (!dname && walk->has_children && walk->length + 2u <= NAME_MAX_OCTETS &&
	    zone_has_wildcard(walk->zone, walk->name))
		node->flags |= IMAGE_NODE_WILDCARD;
	if (walk->cut_labels == walk->labels)
		node->flags |= IMAGE_NODE_CUT;
}

enum compile_result compile_walked(const struct zone_walk *walk, const uint64_t hash_key[2],
				   struct image_node *block)
{
	struct gathered gathered;
	struct node_writer writer;
	struct rrset_view only;

	if (walk->occluded)
		return COMPILE_ABSENT;
	if (zone_only_rrset(walk->zone, walk->name, &only) && is_ordinary(only.type)) {
		start_walked(&writer, walk, block);
		put_walked_flags(block, walk, false);
		node_put_rrset(&writer, hash_key, &only);
		return node_finish(&writer);
	}
	gathered.count = 0;
	gathered.too_many = false;
	gather_own(&gathered, walk->zone, walk->name);
	if (gathered.count == 1 && gathered.rrset[0].type == TYPE_NSEC3 &&
	    zone_is_nsec3_owner(walk->zone, walk->name))
		return COMPILE_ABSENT;
	start_walked(&writer, walk, block);
	put_walked_flags(block, walk, put_alias_flags(block, &gathered));
	node_put_rrsets(&writer, hash_key, gathered.rrset, gathered.count);
	writer.too_large = writer.too_large || gathered.too_many;
	return node_finish(&writer);
}

/* What is kept at an apex for a DS of the zone above, which is another file's. */
#define DS_OCTETS 65536u

/* What an apex has beside its own RRsets: the SOA of negative answers with its signatures, and DS.
 */
static uint32_t apex_bound(const struct zone *zone, unsigned *rrsets)
{
	struct rrset_view set;
	uint32_t octets = DS_OCTETS;

	if (zone_rrset(zone, ZONE_APEX, TYPE_SOA, &set))
		octets += node_rrset_bound(&set);
	if (zone_signatures(zone, ZONE_APEX, TYPE_SOA, &set))
		octets += node_rrset_bound(&set);
	*rrsets = 2;
	return octets;
}

static void look_at_signatures(const struct zone *zone, zone_name name, size_t owner_length,
			       const struct rrset_view *signatures, struct compile_excess *excess)
{
	struct rrset_view set;

	if (excess->signatures.count == 0 && zone_rrset(zone, name, signatures->covered, &set) &&
	    !node_signatures_fit(owner_length, &set, signatures))
		excess->signatures = *signatures;
}

void compile_excess(const struct zone *zone, zone_name name, struct compile_excess *excess)
{
	uint8_t owner[NAME_MAX_OCTETS];
	size_t length = zone_owner(zone, name, owner);
	uint32_t octets = node_fixed_bound(length), at = 0;
	struct rrset_view view;
	unsigned rrsets = 0;

	*excess = (struct compile_excess){0};
	if (name == ZONE_APEX)
		octets += apex_bound(zone, &rrsets);
	while (zone_rrset_next(zone, name, &at, &view)) {
		octets += node_rrset_bound(&view);
		rrsets += view.type != TYPE_RRSIG;
		if (excess->rrset.count == 0 && (octets > NODE_OCTETS || rrsets > NODE_RRSETS))
			excess->rrset = view;
		if (view.type == TYPE_RRSIG)
			look_at_signatures(zone, name, length, &view, excess);
	}
}

bool compile_is_nsec3_owner(const struct zone *zone, zone_name name)
{
	return zone_is_nsec3_owner(zone, name);
}

enum compile_result compile_nsec3_node(const struct zone *zone, zone_name name,
				       struct image_node *block)
{
	static const uint64_t no_targets[2];
	uint8_t owner[NAME_MAX_OCTETS];
	struct node_rrset rrset = {.type = TYPE_NSEC3};
	struct node_writer writer;

	if (!zone_rrset(zone, name, TYPE_NSEC3, &rrset.set))
		return COMPILE_ABSENT;
	if (!zone_signatures(zone, name, TYPE_NSEC3, &rrset.signatures))
		rrset.signatures.count = 0;
	zone_owner(zone, name, owner);
	node_start(&writer, block, owner);
	block->apex_labels = (uint8_t)name_labels(zone_apex(zone));
	node_put_rrsets(&writer, no_targets, &rrset, 1);
	return node_finish(&writer);
}
