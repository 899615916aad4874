/* express_levels.h: the levels of x86-64 that express_stages.c is compiled for, one function each.
 *
 * The build says which (meson.build): EXPRESS_LEVELS is 3 where a compiler makes code for x86-64,
 * else 1, and then there is only the plain one. */
#ifndef SKUA_DATAPLANE_ANSWER_EXPRESS_LEVELS_H
#define SKUA_DATAPLANE_ANSWER_EXPRESS_LEVELS_H

#include "dataplane/answer/express.h"

unsigned express_plain(const struct express *express, struct datagram *burst, unsigned n,
		       struct express_left left[]);
unsigned express_avx2(const struct express *express, struct datagram *burst, unsigned n,
		      struct express_left left[]);
unsigned express_avx512(const struct express *express, struct datagram *burst, unsigned n,
			struct express_left left[]);

#endif
