/* staging.c: see staging.h. */
#include "dataplane/answer/staging.h"

#include "zones/name/hash.h"
#include "zones/record/record.h"

#include <string.h>

void staging_begin(struct staging *s, const struct image *image, const struct asked *asked)
{
	s->step = STAGING_NAME;
	s->known = (struct lookup_known){0};
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

static bool begin_parent(struct staging *s, const struct image *image, const struct asked *asked)
{
	if (asked->length <= 1)
		return false;
	s->step = STAGING_PARENT;
	s->encloser_at = (uint8_t)(1 + asked->name[0]);
	image_probe_start(image,
			  name_hash(image->key, asked->name + s->encloser_at,
				    asked->length - (size_t)s->encloser_at),
			  &s->probe);
	return true;
}

/* "*." and the parent's name; returns its length. A label is no shorter than the asterisk's, so the
 * name is no longer than the asked one. */
static size_t wildcard_name(const struct staging *s, const struct asked *asked, uint8_t *name)
{
	size_t length = asked->length - (size_t)s->encloser_at;

	name[0] = 1;
	name[1] = '*';
	memcpy(name + 2, asked->name + s->encloser_at, length);
	return length + 2;
}

static bool begin_wildcard(struct staging *s, const struct image *image, const struct asked *asked)
{
	uint8_t name[NAME_MAX_OCTETS + 2];
	size_t length = wildcard_name(s, asked, name);

	s->step = STAGING_WILDCARD;
	image_probe_start(image, name_hash(image->key, name, length), &s->probe);
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

static bool after_parent(struct staging *s, const struct image *image, const struct asked *asked)
{
	const struct image_node *parent = s->known.parent;

	if (parent == NULL)
		return false;
	if (parent->flags & IMAGE_NODE_CUT)
		return begin_targets(s, image, parent, TYPE_NS);
	if (parent->flags & IMAGE_NODE_WILDCARD && parent->cut_labels == IMAGE_NONE)
		return begin_wildcard(s, image, asked);
	return false;
}

static const struct image_node *finish_parent(struct staging *s, const struct image *image,
					      const struct asked *asked)
{
	return image_probe_finish(image, &s->probe, asked->name + s->encloser_at,
				  asked->length - (size_t)s->encloser_at);
}

void staging_exact(struct staging *s, const struct image *image, const struct asked *asked)
{
	s->known.exact = image_probe_finish(image, &s->probe, asked->name, asked->length);
}

void staging_wildcard(struct staging *s, const struct image *image, const struct asked *asked)
{
	uint8_t name[NAME_MAX_OCTETS + 2];
	size_t length = wildcard_name(s, asked, name);

	s->known.wildcard = image_probe_finish(image, &s->probe, name, length);
	s->known.has_wildcard = true;
}

bool staging_next(struct staging *s, const struct image *image, const struct asked *asked)
{
	struct lookup_known *known = &s->known;

	switch (s->step) {
	case STAGING_NAME:
		if (known->exact == NULL)
			return begin_parent(s, image, asked);
		return begin_targets(s, image, known->exact,
				     known->exact->flags & IMAGE_NODE_CUT ? TYPE_NS : asked->type);
	case STAGING_PARENT:
		known->has_parent = true;
		known->parent = finish_parent(s, image, asked);
		return after_parent(s, image, asked);
	case STAGING_WILDCARD:
		return known->wildcard != NULL &&
		       begin_targets(s, image, known->wildcard, asked->type);
	case STAGING_TARGETS_NEAR:
		break;
	}
	return false;
}
