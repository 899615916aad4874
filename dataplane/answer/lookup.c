/* lookup.c: see lookup.h. */
#include "dataplane/answer/lookup.h"

#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

/* Where the labels of a name start: its last k labels are the name at at[labels - k]. */
struct labels {
	unsigned count;
	uint8_t at[NAME_MAX_LABELS + 1];
};

static void labels_of(const uint8_t *name, size_t length, struct labels *labels)
{
	size_t at = 0;

	labels->count = 0;
	while (name[at] != 0 && labels->count < NAME_MAX_LABELS && at < length) {
		labels->at[labels->count++] = (uint8_t)at;
		at += 1u + name[at];
	}
	labels->at[labels->count] = (uint8_t)at;
}

static const struct image_node *find(const struct image *image, const uint8_t *name, size_t length)
{
	return image_find(image, name_hash(image->key, name, length), name, length);
}

static const struct image_node *find_suffix(const struct image *image, const uint8_t *name,
					    size_t length, const struct labels *labels,
					    unsigned keep)
{
	if (keep > labels->count)
		return NULL;
	size_t at = labels->at[labels->count - keep];
	return find(image, name + at, length - at);
}

const struct image_node *lookup_suffix(const struct image *image, const uint8_t *name,
				       size_t length, unsigned keep)
{
	struct labels labels;

	labels_of(name, length, &labels);
	return find_suffix(image, name, length, &labels, keep);
}

/* The longest existing ancestor (RFC 4592 3.3.1); *found is how many labels it has. All ancestors
 * of a node are nodes, so existence is monotonic in the number of labels (RFC 8020 2) and halving
 * finds where it ends. Most misses lie directly below something: the parent is tried first. */
static const struct image_node *closest_encloser(const struct image *image, const uint8_t *name,
						 size_t length, const struct labels *labels,
						 unsigned *found)
{
	const struct image_node *best = NULL;
	unsigned low = 0;	       /* fewer labels than these exist */
	unsigned high = labels->count; /* as many as these do not */
	unsigned try = labels->count > 0 ? labels->count - 1 : 0;

	*found = try;
	while (low < high) {
		const struct image_node *node = find_suffix(image, name, length, labels, try);

		if (node != NULL) {
			best = node;
			*found = try;
			low = try + 1;
		} else {
			high = try;
		}
		try = low + (high - low) / 2;
	}
	return best;
}

static const struct image_node *wildcard_of(const struct image *image,
					    const struct image_node *encloser)
{
	uint8_t name[NAME_MAX_OCTETS + 2];
	size_t length = encloser->name_length + 2u;

	if (!(encloser->flags & IMAGE_NODE_WILDCARD) || length > NAME_MAX_OCTETS)
		return NULL;
	name[0] = 1;
	name[1] = '*';
	memcpy(name + 2, encloser->name, encloser->name_length);
	return find(image, name, length);
}

/* RFC 1034 4.3.2 step 3b: a zone cut at or above the name. */
static void refer(const struct image *image, const struct asked *asked, unsigned cut_labels,
		  struct verdict *v)
{
	v->kind = VERDICT_DAMAGED;
	v->node = v->place->flags & IMAGE_NODE_CUT
		      ? v->place
		      : lookup_suffix(image, asked->name, asked->length, cut_labels);
	if (v->node == NULL)
		return;
	v->rrset = image_rrset(v->node, TYPE_NS);
	if (v->rrset != NULL)
		v->kind = VERDICT_REFERRAL;
}

/* RFC 1034 4.3.2 step 3a and 3c: what a node has of the type. */
static void match(const struct image_node *node, uint16_t type, struct verdict *v)
{
	v->node = node;
	v->rrset = NULL;
	v->kind = VERDICT_NODATA;
	if (type == TYPE_ANY) {
		v->kind = VERDICT_ANY;
		return;
	}
	if (type == TYPE_RRSIG) {
		v->kind = VERDICT_SIGNATURES;
		return;
	}
	if (type == IMAGE_TYPE_NEGATIVE_SOA) /* our own use of the number; no record has it */
		return;
	v->rrset = image_rrset(node, type);
	if (v->rrset != NULL && !(v->rrset->flags & IMAGE_RRSET_PARENT_SIDE)) {
		v->kind = VERDICT_ANSWER;
		return;
	}
	/* RFC 4035 2.5: NSEC stands beside a CNAME, so that is not where it is looked for. */
	v->rrset = NULL;
	if (node->flags & IMAGE_NODE_CNAME && type != TYPE_NSEC)
		v->rrset = image_rrset(node, TYPE_CNAME);
	if (v->rrset != NULL)
		v->kind = VERDICT_ALIAS;
}

/* RFC 6672 3.2: the name lies below a DNAME's owner. */
static void redirect(const struct image_node *owner, struct verdict *v)
{
	v->node = owner;
	v->rrset = image_rrset(owner, TYPE_DNAME);
	v->kind = v->rrset != NULL ? VERDICT_DNAME : VERDICT_DAMAGED;
}

/* The nearest name above the asked one's last `labels` labels that belongs to a zone (with that
 * many apex labels, or to any if that is IMAGE_NONE), or NULL. What lies between was occluded, and
 * only exists because a deeper apex does. */
static const struct image_node *zone_above(const struct image *image, const struct asked *asked,
					   unsigned count, unsigned apex_labels)
{
	struct labels labels;

	labels_of(asked->name, asked->length, &labels);
	for (unsigned keep = count; keep > 0; keep--) {
		const struct image_node *node =
		    find_suffix(image, asked->name, asked->length, &labels, keep - 1);

		if (node != NULL && node->apex_labels != IMAGE_NONE &&
		    (node->apex_labels == apex_labels || apex_labels == IMAGE_NONE))
			return node;
	}
	return NULL;
}

/* A name of no zone: it lies outside all, or a DNAME occludes it (RFC 6672 2.4). */
static void lookup_outside(const struct image *image, const struct asked *asked, unsigned labels,
			   struct verdict *v)
{
	const struct image_node *above = zone_above(image, asked, labels, IMAGE_NONE);

	v->kind = VERDICT_REFUSED;
	if (above == NULL || !(above->flags & IMAGE_NODE_DNAME))
		return;
	v->place = above;
	v->apex_labels = above->apex_labels;
	redirect(above, v);
}

/* RFC 4035 3.1.4.1: DS at an apex belongs to the zone above, if we serve it; there it may lie below
 * a cut or a DNAME. */
static void match_parent_side(const struct image *image, const struct asked *asked,
			      const struct image_node *node, struct verdict *v)
{
	const struct image_node *above =
	    zone_above(image, asked, node->labels, node->parent_apex_labels);

	v->apex_labels = node->parent_apex_labels;
	v->kind = VERDICT_DAMAGED;
	if (above == NULL)
		return;
	v->place = above;
	if (above->cut_labels != IMAGE_NONE) {
		refer(image, asked, above->cut_labels, v);
		return;
	}
	if (above->flags & IMAGE_NODE_DNAME) {
		redirect(above, v);
		return;
	}
	v->node = node;
	v->rrset = image_rrset(node, TYPE_DS);
	if (v->rrset != NULL && !(v->rrset->flags & IMAGE_RRSET_PARENT_SIDE))
		v->rrset = NULL;
	v->kind = v->rrset != NULL ? VERDICT_ANSWER : VERDICT_NODATA;
}

static void lookup_existing(const struct image *image, const struct asked *asked,
			    const struct image_node *node, struct verdict *v)
{
	bool ds = asked->type == TYPE_DS;

	v->exists = true;
	if (node->cut_labels != IMAGE_NONE && !(ds && node->flags & IMAGE_NODE_CUT)) {
		refer(image, asked, node->cut_labels, v);
		return;
	}
	if (ds && node->flags & IMAGE_NODE_APEX && node->parent_apex_labels != IMAGE_NONE &&
	    node->labels > 0) {
		match_parent_side(image, asked, node, v);
		return;
	}
	match(node, asked->type, v);
}

static void lookup_missing(const struct image *image, const struct asked *asked,
			   const struct lookup_known *known, struct verdict *v)
{
	const struct image_node *encloser = v->place;

	if (encloser->cut_labels != IMAGE_NONE) {
		refer(image, asked, encloser->cut_labels, v);
		return;
	}
	if (encloser->flags & IMAGE_NODE_DNAME) {
		redirect(encloser, v);
		return;
	}
	if (known->wildcard != NULL) {
		/* RFC 4592 4.2 leaves NS at a wildcard undefined; it is data here, as for NSD. */
		match(known->wildcard, asked->type, v);
		return;
	}
	v->kind = VERDICT_NXDOMAIN;
}

void lookup_verdict(const struct image *image, const struct asked *asked,
		    const struct lookup_known *known, struct verdict *v)
{
	const struct image_node *place = known->exact;

	*v = (struct verdict){.kind = VERDICT_REFUSED};
	if (place == NULL)
		place = known->encloser;
	if (place == NULL)
		return;
	if (place->apex_labels == IMAGE_NONE) {
		lookup_outside(image, asked, place->labels, v);
		return;
	}
	v->place = place;
	v->apex_labels = place->apex_labels;
	if (known->exact != NULL) {
		lookup_existing(image, asked, known->exact, v);
		return;
	}
	/* Counted in the asked name, and not believed from the image. */
	v->encloser_labels = (uint8_t)(name_labels(asked->name) - known->encloser_skip);
	lookup_missing(image, asked, known, v);
}

const struct image_node *lookup_apex(const struct image *image, const struct asked *asked,
				     const struct lookup_known *known, const struct verdict *v)
{
	const struct image_node *node = known->apex != NULL ? known->apex : v->place;

	if (!(node->flags & IMAGE_NODE_APEX) || node->apex_labels != v->apex_labels)
		node = lookup_suffix(image, asked->name, asked->length, v->apex_labels);
	return node != NULL && node->flags & IMAGE_NODE_APEX ? node : NULL;
}

const struct image_node *lookup_additional(const struct image *image, const uint8_t *name,
					   size_t length)
{
	const struct image_node *node = find(image, name, length);
	struct labels labels;
	unsigned found;

	if (node != NULL)
		return node;
	labels_of(name, length, &labels);
	node = closest_encloser(image, name, length, &labels, &found);
	if (node == NULL || node->apex_labels == IMAGE_NONE || node->cut_labels != IMAGE_NONE)
		return NULL;
	return wildcard_of(image, node);
}
