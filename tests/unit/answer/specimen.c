/* specimen.c: see specimen.h. */
#include "tests/unit/answer/specimen.h"

#include "zones/image/checksum.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t rounded_up(size_t octets, size_t step)
{
	return (octets + step - 1) / step * step;
}

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void specimen_take(struct specimen *s, struct image_fixture *fixture)
{
	const struct image *image = image_fixture_image(fixture);
	size_t size = rounded_up(image->limit + IMAGE_NODE_MAX, page());

	s->base =
	    mmap(NULL, size + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->base == MAP_FAILED || mprotect(s->base + size, page(), PROT_NONE) != 0)
		abort();
	memcpy(s->base, image->base, image->limit);
	s->length = image->limit;
	s->root = (image_ref)((uint64_t)((const uint8_t *)image->root - image->base) / IMAGE_UNIT);
	if (!specimen_open(s))
		abort();
}

void specimen_free(struct specimen *s)
{
	munmap(s->base, rounded_up(s->length + IMAGE_NODE_MAX, page()) + page());
}

bool specimen_open(struct specimen *s)
{
	struct image_root *root = (void *)(s->base + (uint64_t)s->root * IMAGE_UNIT);
	const size_t from = offsetof(struct image_root, generation);

	root->check =
	    image_checksum((uint8_t *)root + from, offsetof(struct image_root, top) - from);
	return image_open(s->base, s->length, s->root, &s->image) == IMAGE_GOOD;
}
