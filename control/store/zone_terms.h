/* zone_terms.h: to whom a zone is served. All zero: to anyone. */
#ifndef SKUA_CONTROL_STORE_ZONE_TERMS_H
#define SKUA_CONTROL_STORE_ZONE_TERMS_H

#include <stdint.h>

struct zone_terms {
	uint8_t view; /* whose clients see it; 0: all whose view has nothing at or above its apex */
	uint8_t acl;  /* IMAGE_ANYONE, or the access rule that its clients must pass */
	const char *view_name; /* for the user, as are these ITEMs; NULL: none; borrowed */
	const char *allow;
};

#endif
