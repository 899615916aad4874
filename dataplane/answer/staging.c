/* staging.c: see staging.h. */
#include "dataplane/answer/staging.h"

#include "zones/name/hash.h"
#include "zones/record/record.h"

#define ENCLOSERS_NEAR 2u

void staging_begin_found(struct staging *s, const struct image_node *exact)
{
	s->step = STAGING_NAME;
	s->known = (struct lookup_known){.exact = exact};
	s->skip = s->at = s->missing = s->found = 0;
}

void staging_begin(struct staging *s, const struct image *image, const struct asked *asked)
{
	staging_begin_found(s, NULL);
	image_probe_start(image, asked->hash, &s->probe);
}

void staging_near(struct staging *s, const struct image *image)
{
	if (s->step != STAGING_TARGETS_NEAR) {
		image_probe_node(image, &s->probe);
		return;
	}
	for (unsigned i = 0; i < s->targets; i++)
		image_probe_node(image, &s->target[i]);
}

static size_t left(const struct staging *s, const struct asked *asked)
{
	return asked->length - (size_t)s->at;
}

/* The name without `skip` of its labels; skip is at most how many it has. */
static bool begin_encloser(struct staging *s, const struct image *image, const struct asked *asked,
			   unsigned skip)
{
	if (skip < s->skip) {
		s->skip = 0;
		s->at = 0;
	}
	for (; s->skip < skip; s->skip++)
		s->at = (uint8_t)(s->at + 1 + asked->name[s->at]);
	s->step = STAGING_ENCLOSER;
	s->hash = name_hash(image->key, asked->name + s->at, left(s, asked));
	image_probe_start(image, s->hash, &s->probe);
	return true;
}

/* All ancestors of a node are nodes (RFC 8020 2): halving finds where existence ends. Most misses
 * lie one or two labels below something, so these are tried first. Returns false: it is found. */
static bool search_on(struct staging *s, const struct image *image, const struct asked *asked)
{
	if (s->missing < ENCLOSERS_NEAR && s->known.encloser == NULL)
		return left(s, asked) > 1 && begin_encloser(s, image, asked, s->missing + 1u);
	if (s->found == 0)
		s->found = (uint8_t)(name_labels(asked->name) + 1);
	if (s->found - s->missing <= 1)
		return false;
	return begin_encloser(s, image, asked, (s->missing + s->found) / 2u);
}

/* The SOA of the node's zone will be wanted. */
static bool begin_apex(struct staging *s, const struct image *image, const struct asked *asked,
		       const struct image_node *node)
{
	unsigned below = node->labels - node->apex_labels;

	if (node->apex_labels == IMAGE_NONE || node->cut_labels != IMAGE_NONE ||
	    node->flags & IMAGE_NODE_DNAME)
		return false;
	if (node->flags & IMAGE_NODE_APEX) {
		s->known.apex = node;
		return false;
	}
	s->at = (uint8_t)(asked->length - node->name_length);
	while (below > 0 && asked->name[s->at] != 0) {
		s->at = (uint8_t)(s->at + 1 + asked->name[s->at]);
		below--;
	}
	s->step = STAGING_APEX;
	image_probe_start(image, name_hash(image->key, asked->name + s->at, left(s, asked)),
			  &s->probe);
	return true;
}

/* Brings near what the RRset's records lead to. */
static bool begin_targets(struct staging *s, const struct image *image,
			  const struct image_node *node, uint16_t type)
{
	const struct image_rrset *rrset = image_rrset(node, type);

	if (rrset == NULL || rrset->target_count == 0 || type == TYPE_CNAME ||
	    (!image->settings.additional && type != TYPE_NS))
		return false;
	const struct image_target *target = image_targets(node, rrset);
	s->targets = rrset->target_count < STAGING_TARGETS ? rrset->target_count : STAGING_TARGETS;
	s->step = STAGING_TARGETS_NEAR;
	for (unsigned i = 0; i < s->targets; i++)
		image_probe_start(image, target[i].hash, &s->target[i]);
	return true;
}

static bool after_name(struct staging *s, const struct image *image, const struct asked *asked)
{
	const struct image_node *node = s->known.exact;

	if (node == NULL)
		return search_on(s, image, asked);
	if (begin_targets(s, image, node, node->flags & IMAGE_NODE_CUT ? TYPE_NS : asked->type))
		return true;
	return !(node->flags & IMAGE_NODE_CNAME) && image_rrset(node, asked->type) == NULL &&
	       begin_apex(s, image, asked, node);
}

static bool after_encloser(struct staging *s, const struct image *image, const struct asked *asked)
{
	if (search_on(s, image, asked))
		return true;
	const struct image_node *node = s->known.encloser;
	if (node == NULL)
		return false;
	/* Not the flag by itself: a damaged image may have it where nothing else says that there
	 * is a cut, and all paths must read such a node alike. */
	if (node->cut_labels != IMAGE_NONE)
		return node->flags & IMAGE_NODE_CUT && begin_targets(s, image, node, TYPE_NS);
	if (!(node->flags & IMAGE_NODE_WILDCARD) || node->flags & IMAGE_NODE_DNAME)
		return begin_apex(s, image, asked, node);
	s->step = STAGING_WILDCARD;
	image_probe_start(image, name_hash_wildcard(image->key, s->encloser_hash), &s->probe);
	return true;
}

static void note_encloser(struct staging *s, const struct image_node *node)
{
	if (node == NULL) {
		s->missing = s->skip;
		return;
	}
	s->known.encloser = node;
	s->known.encloser_skip = s->skip;
	s->found = s->skip;
	s->encloser_hash = s->hash;
}

void staging_found(struct staging *s, const struct image *image, const struct asked *asked)
{
	const uint8_t *name = asked->name + s->at;

	switch (s->step) {
	case STAGING_NAME:
		s->known.exact = image_probe_finish(image, &s->probe, name, asked->length);
		break;
	case STAGING_ENCLOSER:
		note_encloser(s, image_probe_finish(image, &s->probe, name, left(s, asked)));
		break;
	case STAGING_WILDCARD:
		s->known.wildcard =
		    image_probe_finish_wildcard(image, &s->probe, s->known.encloser);
		break;
	case STAGING_APEX:
		s->known.apex = image_probe_finish(image, &s->probe, name, left(s, asked));
		break;
	case STAGING_TARGETS_NEAR:
		break;
	}
}

bool staging_next(struct staging *s, const struct image *image, const struct asked *asked)
{
	switch (s->step) {
	case STAGING_NAME:
		return after_name(s, image, asked);
	case STAGING_ENCLOSER:
		return after_encloser(s, image, asked);
	case STAGING_WILDCARD:
		return s->known.wildcard != NULL &&
		       begin_targets(s, image, s->known.wildcard, asked->type);
	case STAGING_APEX:
	case STAGING_TARGETS_NEAR:
		break;
	}
	return false;
}
