/* specimen.h: an image to be damaged: a copy with nothing behind it but what a reader may touch,
 * and then an inaccessible page, so that a read too far ends the program in any build.
 *
 * Threads: one. Errors: abort(). */
#ifndef SKUA_TESTS_UNIT_ANSWER_SPECIMEN_H
#define SKUA_TESTS_UNIT_ANSWER_SPECIMEN_H

#include "tests/unit/answer/image_fixture.h"

struct specimen {
	uint8_t *base;
	uint64_t length; /* octets of the image: all that can be damaged */
	image_ref root;
	struct image image; /* as specimen_open() found it */
};

/* Copies what image_fixture_image() last gave. */
void specimen_take(struct specimen *specimen, struct image_fixture *fixture);
void specimen_free(struct specimen *specimen);

/* As a worker adopts it after the damage. The root's check is mended first, else damage there would
 * never be met. False: refused. */
bool specimen_open(struct specimen *specimen);

#endif
