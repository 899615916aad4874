/* additional.c: see additional.h. */
#include "dataplane/answer/additional.h"

#include "dataplane/answer/lookup.h"
#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

#define LEADS_AT_ONCE 8u  /* whose cache misses overlap */
#define RECORD_MIN    16u /* octets of an A record behind a pointer */

/* A name in the rdata of a source, on its way to a node. */
struct lead {
	const struct image *image; /* where it is looked up */
	struct image_probe probe;
	uint32_t offset; /* in the source's tail */
	uint8_t kind;	 /* enum image_target_kind */
	uint8_t length;	 /* of name; 0: it has not been read yet */
	uint8_t name[NAME_MAX_OCTETS];
};

/* Which leads of a source a pass takes. */
enum pass {
	PASS_OWED,  /* glue of servers at or below the cut */
	PASS_OTHER, /* the rest */
	PASS_ALL,
};

struct walk {
	enum pass pass;
	bool others; /* there were leads that the pass left to the other one */
};

static uint64_t key_of(uint64_t owner_hash, uint16_t type)
{
	return owner_hash ^ (type * 0x9e3779b97f4a7c15ull);
}

static bool is_placed(const struct additional *list, uint64_t key)
{
	for (unsigned i = 0; i < list->placed_count; i++) {
		if (list->placed[i] == key)
			return true;
	}
	return false;
}

void additional_note(struct additional *list, const struct reply *reply,
		     const struct image_node *node, const struct image_rrset *rrset,
		     const struct owner *owner, uint64_t owner_hash)
{
	if (list->placed_count < ADDITIONAL_RRSETS_MAX)
		list->placed[list->placed_count++] = key_of(owner_hash, rrset->type);
	if (rrset->target_count > 0 && list->source_count < ADDITIONAL_SOURCES_MAX)
		list->source[list->source_count++] = (struct additional_source){
		    node,	    rrset,
		    reply->tail_at, owner->octets == 0 ? owner->pointer : 0,
		    owner->length,  owner_hash};
}

/* Points to the name in the source's rdata if that was copied in one piece; else spells it out,
 * with the root label of the question behind it. */
static struct owner owner_of(const struct reply *reply, const struct additional_source *source,
			     const struct lead *lead)
{
	uint32_t at = source->tail_at + lead->offset;

	if (source->tail_at != 0 && at <= REPLY_POINTER_MAX)
		return (struct owner){NULL, 0, at, lead->length};
	return (struct owner){lead->name, lead->length - 1u, reply->question_end - 5, lead->length};
}

/* RFC 4035 3.1.1: with its signatures if they fit, else without. Returns false if the RRset is
 * there and did not fit. */
static bool put_rrset(struct reply *reply, struct additional *list,
		      const struct additional_rules *rules, const struct image_node *node,
		      uint16_t type, const struct owner *owner, uint64_t owner_hash)
{
	const struct image_rrset *rrset = image_rrset(node, type);
	uint64_t key = key_of(owner_hash, type);
	struct tail tail;

	if (rrset == NULL || is_placed(list, key))
		return true;
	if (list->placed_count == ADDITIONAL_RRSETS_MAX)
		return false;
	tail_open(node, rrset, rules->signatures ? TAIL_SIGNED : TAIL_PLAIN, &tail);
	enum put_result result =
	    reply_put(reply, SECTION_ADDITIONAL, owner, &tail, rules->rotation);
	if (result == PUT_NO_ROOM && rules->signatures) {
		tail_open(node, rrset, TAIL_PLAIN, &tail);
		result = reply_put(reply, SECTION_ADDITIONAL, owner, &tail, rules->rotation);
	}
	if (result == PUT_DONE)
		additional_note(list, reply, node, rrset, owner, owner_hash);
	return result != PUT_NO_ROOM;
}

static bool put_addresses(struct reply *reply, struct additional *list,
			  const struct additional_rules *rules, const struct image_node *node,
			  const struct owner *owner, uint64_t owner_hash)
{
	bool v4 = put_rrset(reply, list, rules, node, TYPE_A, owner, owner_hash);

	return put_rrset(reply, list, rules, node, TYPE_AAAA, owner, owner_hash) && v4;
}

static bool put_lead(struct reply *reply, struct additional *list,
		     const struct additional_rules *rules, const struct additional_source *source,
		     const struct lead *lead, const struct image_node *node)
{
	struct owner owner = owner_of(reply, source, lead);
	uint64_t hash = lead->probe.hash ^ lead->image->salt;

	if (lead->kind == IMAGE_TARGET_SRV || lead->kind == IMAGE_TARGET_NAPTR)
		return put_rrset(reply, list, rules, node,
				 lead->kind == IMAGE_TARGET_SRV ? TYPE_SRV : TYPE_NAPTR, &owner,
				 hash);
	bool fits = put_addresses(reply, list, rules, node, &owner, hash);
	if (lead->kind == IMAGE_TARGET_SERVICE)
		fits &= put_rrset(reply, list, rules, node, source->rrset->type, &owner, hash);
	return fits;
}

/* With additional data off, only glue that a referral can't do without: names below a cut. */
static bool is_wanted(const struct additional_rules *rules, enum pass pass,
		      const struct image_node *node)
{
	return rules->optional || pass == PASS_OWED ||
	       (rules->cut != NULL && node->cut_labels != IMAGE_NONE);
}

/* Reads the lead's name; false: there is none. */
static bool read_name(const struct additional_source *source, struct lead *lead)
{
	size_t length =
	    tail_name(source->node, source->rrset, lead->offset, TAIL_CASE_LOWER, lead->name, NULL);

	lead->length = (uint8_t)length;
	return length > 1;
}

/* The node that has the lead's hash, if its name is what stands in the rdata: mostly so, and then
 * the name is compared at once instead of being read label by label. */
static const struct image_node *guess_node(const struct additional_source *source,
					   struct lead *lead)
{
	const struct image_node *node = lead->probe.node;
	size_t left = source->rrset->length - lead->offset;

	if (node == NULL || source->rrset->flags & IMAGE_RRSET_POINTERS ||
	    lead->offset > source->rrset->length || node->name_length > left)
		return NULL;
	lead->length = node->name_length;
	name_lower(lead->name, image_tail(source->node, source->rrset) + lead->offset,
		   lead->length);
	return image_probe_finish(lead->image, &lead->probe, lead->name, lead->length);
}

static const struct image_node *finish_lead(const struct additional_rules *rules,
					    const struct additional_source *source,
					    struct lead *lead)
{
	const struct image_node *node = NULL;

	if (lead->length == 0) {
		node = guess_node(source, lead);
		if (node != NULL)
			return node;
		if (!read_name(source, lead))
			return NULL;
	}
	node = image_probe_finish(lead->image, &lead->probe, lead->name, lead->length);
	if (node == NULL && rules->optional)
		node = lookup_additional(lead->image, lead->name, lead->length);
	return node;
}

/* True if a lower-case name ends in another at a label's start. */
static bool is_at_or_below(const uint8_t *name, size_t length, const uint8_t *ancestor,
			   size_t ancestor_length)
{
	size_t before = length - ancestor_length;
	size_t at = 0;

	if (length < ancestor_length || memcmp(name + before, ancestor, ancestor_length) != 0)
		return false;
	while (at < before)
		at += 1u + name[at];
	return at == before;
}

static bool is_followed(uint8_t kind)
{
	return kind == IMAGE_TARGET_ADDRESS || kind == IMAGE_TARGET_SRV ||
	       kind == IMAGE_TARGET_NAPTR || kind == IMAGE_TARGET_SERVICE;
}

/* Starts to look for one target. false: nothing to follow, or another pass's business, which is
 * noted. */
static bool start_lead(const struct client *client, const struct additional_source *source,
		       const struct image_target *target, const struct additional_rules *rules,
		       struct walk *walk, struct lead *lead)
{
	if (!is_followed(target->kind))
		return false;
	lead->length = 0;
	lead->offset = target->offset;
	lead->kind = target->kind;
	if (walk->pass != PASS_ALL) {
		if (!read_name(source, lead))
			return false;
		if (is_at_or_below(lead->name, lead->length, rules->cut->name,
				   rules->cut->name_length) != (walk->pass == PASS_OWED)) {
			walk->others = true;
			return false;
		}
	}
	lead->image = client->common;
	if (client->names != NULL) {
		if (lead->length == 0 && !read_name(source, lead))
			return false;
		lead->image = client_image(client, lead->name, lead->length, TYPE_A);
	}
	image_probe_start(lead->image, target->hash, &lead->probe);
	return true;
}

/* Follows a group of leads at once. Returns false if something did not fit. */
static bool follow(const struct client *client, struct reply *reply, struct additional *list,
		   const struct additional_rules *rules, const struct additional_source *source,
		   enum pass pass, struct lead *lead, unsigned n)
{
	bool fits = true;

	for (unsigned i = 0; i < n; i++)
		image_probe_node(lead[i].image, &lead[i].probe);
	for (unsigned i = 0; i < n; i++) {
		const struct image_node *node = finish_lead(rules, source, &lead[i]);

		if (node != NULL && is_wanted(rules, pass, node) && client_may_see(client, node))
			fits &= put_lead(reply, list, rules, source, &lead[i], node);
	}
	return fits;
}

/* Glue that is owed is never left out for being much. */
static bool is_enough(const struct additional *list, const struct reply *reply, enum pass pass)
{
	return pass != PASS_OWED &&
	       (list->leads >= ADDITIONAL_LEADS_MAX || reply->limit - reply->at < RECORD_MIN);
}

/* RFC 9460 2.5.2: the owner's own addresses. An owner that is spelled out came as a target: its
 * addresses stand before it. */
static void put_own(struct reply *reply, struct additional *list,
		    const struct additional_rules *rules, const struct additional_source *source)
{
	struct owner owner = {NULL, 0, source->owner_at, source->owner_length};

	if (rules->optional && source->owner_at != 0)
		put_addresses(reply, list, rules, source->node, &owner, source->owner_hash);
}

static bool follow_source(const struct client *client, struct reply *reply, struct additional *list,
			  const struct additional_rules *rules,
			  const struct additional_source *source, struct walk *walk)
{
	const struct image_target *target = image_targets(source->node, source->rrset);
	struct lead lead[LEADS_AT_ONCE];
	unsigned n = 0;
	bool fits = true;

	for (unsigned i = 0; i < source->rrset->target_count; i++) {
		if (is_enough(list, reply, walk->pass))
			break;
		if (target[i].kind == IMAGE_TARGET_OWNER)
			put_own(reply, list, rules, source);
		if (!start_lead(client, source, &target[i], rules, walk, &lead[n]))
			continue;
		list->leads++;
		if (++n == LEADS_AT_ONCE) {
			fits &= follow(client, reply, list, rules, source, walk->pass, lead, n);
			n = 0;
		}
	}
	return follow(client, reply, list, rules, source, walk->pass, lead, n) && fits;
}

void additional_put(const struct client *client, struct reply *reply, struct additional *list,
		    const struct additional_rules *rules)
{
	struct walk walk = {rules->cut != NULL ? PASS_OWED : PASS_ALL, false};

	if (rules->cut == NULL && !rules->optional)
		return;
	/* What is added may lead on (NAPTR, SRV): it stands behind in the list. */
	for (unsigned i = 0; i < list->source_count; i++) {
		struct additional_source source = list->source[i];
		bool fits = follow_source(client, reply, list, rules, &source, &walk);

		if (walk.pass != PASS_OWED)
			continue;
		if (!fits)
			reply->flags |= DNS_TC; /* RFC 9471 3.1 */
		walk.pass = PASS_OTHER;
		if (walk.others)
			follow_source(client, reply, list, rules, &source, &walk);
	}
}
