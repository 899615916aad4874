/* zones.h: zones that love the hard corners: nested cuts and zones, empty non-terminals, wildcards
 * of all kinds, DNAME, loops, glue, large RRsets, NSEC and NSEC3 (RFC 5155 appendix A). For tests
 * that ask everything and look at what must hold of any reply. */
#ifndef SKUA_TESTS_UNIT_ANSWER_ZONES_H
#define SKUA_TESTS_UNIT_ANSWER_ZONES_H

#include "tests/unit/answer/image_fixture.h"

void test_zones_add(struct image_fixture *fixture);
/* A few names only, with a node of each kind, an NSEC and an NSEC3 chain (signed.test.,
 * small.test.): for tests that change every bit of an image. */
void test_zones_add_small(struct image_fixture *fixture);

#endif
