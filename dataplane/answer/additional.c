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
	struct image_probe probe;
	uint32_t offset; /* in the source's tail */
	uint8_t kind;	 /* enum image_target_kind */
	uint8_t length;
	uint8_t name[NAME_MAX_OCTETS];
};

/* Which leads of a source a pass takes. */
enum pass {
	PASS_OWED,  /* glue of servers at or below the cut */
	PASS_OTHER, /* the rest */
	PASS_ALL,
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
		     uint64_t owner_hash)
{
	if (list->placed_count < ADDITIONAL_RRSETS_MAX)
		list->placed[list->placed_count++] = key_of(owner_hash, rrset->type);
	if (rrset->target_count > 0 && list->source_count < ADDITIONAL_SOURCES_MAX)
		list->source[list->source_count++] =
		    (struct additional_source){node, rrset, reply->tail_at};
}

/* Points to the name in the source's rdata if that was copied in one piece; else spells it out,
 * with the root label of the question behind it. */
static struct owner owner_of(const struct reply *reply, const struct additional_source *source,
			     const struct lead *lead)
{
	uint32_t at = source->tail_at + lead->offset;

	if (source->tail_at != 0 && at <= REPLY_POINTER_MAX)
		return (struct owner){NULL, 0, at};
	return (struct owner){lead->name, lead->length - 1u, reply->question_end - 5};
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
		additional_note(list, reply, node, rrset, owner_hash);
	return result != PUT_NO_ROOM;
}

static bool put_lead(struct reply *reply, struct additional *list,
		     const struct additional_rules *rules, const struct additional_source *source,
		     const struct lead *lead, const struct image_node *node)
{
	struct owner owner = owner_of(reply, source, lead);
	uint64_t hash = lead->probe.hash;

	if (lead->kind == IMAGE_TARGET_SRV)
		return put_rrset(reply, list, rules, node, TYPE_SRV, &owner, hash);
	bool v4 = put_rrset(reply, list, rules, node, TYPE_A, &owner, hash);
	return put_rrset(reply, list, rules, node, TYPE_AAAA, &owner, hash) && v4;
}

/* With additional data off, only glue that a referral can't do without: names below a cut. */
static bool wanted(const struct additional_rules *rules, enum pass pass,
		   const struct image_node *node)
{
	return rules->optional || pass == PASS_OWED ||
	       (rules->cut != NULL && node->cut_labels != IMAGE_NONE);
}

static const struct image_node *finish_lead(const struct image *image,
					    const struct additional_rules *rules, struct lead *lead)
{
	const struct image_node *node =
	    image_probe_finish(image, &lead->probe, lead->name, lead->length);

	if (node == NULL && rules->optional)
		node = lookup_additional(image, lead->name, lead->length);
	return node;
}

/* Reads the name of one target and starts to look for it. false: nothing to follow. */
static bool start_lead(const struct image *image, const struct additional_source *source,
		       const struct image_target *target, const struct additional_rules *rules,
		       enum pass pass, struct lead *lead)
{
	size_t length = tail_name(source->node, source->rrset, target->offset, lead->name, NULL);

	if (length <= 1 ||
	    (target->kind != IMAGE_TARGET_ADDRESS && target->kind != IMAGE_TARGET_SRV))
		return false;
	if (pass != PASS_ALL &&
	    name_is_at_or_below(lead->name, rules->cut->name) != (pass == PASS_OWED))
		return false;
	name_lower(lead->name, lead->name, length);
	lead->length = (uint8_t)length;
	lead->offset = target->offset;
	lead->kind = target->kind;
	image_probe_start(image, name_hash(image->key, lead->name, length), &lead->probe);
	return true;
}

/* Follows a group of leads at once. Returns false if something did not fit. */
static bool follow(const struct image *image, struct reply *reply, struct additional *list,
		   const struct additional_rules *rules, const struct additional_source *source,
		   enum pass pass, struct lead *lead, unsigned n)
{
	bool fits = true;

	for (unsigned i = 0; i < n; i++)
		image_probe_node(image, &lead[i].probe);
	for (unsigned i = 0; i < n; i++) {
		const struct image_node *node = finish_lead(image, rules, &lead[i]);

		if (node != NULL && wanted(rules, pass, node))
			fits &= put_lead(reply, list, rules, source, &lead[i], node);
	}
	return fits;
}

static bool follow_source(const struct image *image, struct reply *reply, struct additional *list,
			  const struct additional_rules *rules,
			  const struct additional_source *source, enum pass pass)
{
	const struct image_target *target = image_targets(source->node, source->rrset);
	struct lead lead[LEADS_AT_ONCE];
	unsigned n = 0;
	bool fits = true;

	for (unsigned i = 0; i < source->rrset->target_count; i++) {
		/* Glue that is owed is never left out for being much. */
		if (pass != PASS_OWED &&
		    (list->leads >= ADDITIONAL_LEADS_MAX || reply->limit - reply->at < RECORD_MIN))
			break;
		if (!start_lead(image, source, &target[i], rules, pass, &lead[n]))
			continue;
		list->leads++;
		if (++n == LEADS_AT_ONCE) {
			fits &= follow(image, reply, list, rules, source, pass, lead, n);
			n = 0;
		}
	}
	return follow(image, reply, list, rules, source, pass, lead, n) && fits;
}

void additional_put(const struct image *image, struct reply *reply, struct additional *list,
		    const struct additional_rules *rules)
{
	enum pass pass = PASS_ALL;

	if (rules->cut != NULL) {
		struct additional_source source = list->source[0];

		pass = PASS_OTHER;
		if (list->source_count > 0 &&
		    !follow_source(image, reply, list, rules, &source, PASS_OWED))
			reply->flags |= DNS_TC; /* RFC 9471 3.1 */
	} else if (!rules->optional) {
		return;
	}
	/* What is added may lead on (SRV): it stands behind in the list. */
	for (unsigned i = 0; i < list->source_count; i++) {
		struct additional_source source = list->source[i];

		follow_source(image, reply, list, rules, &source, pass);
	}
}
