#include "dataplane/stream/framing.h"

enum framing framing_next(const uint8_t *octets, size_t available, const uint8_t **message,
			  size_t *length)
{
	size_t announced;

	*message = NULL;
	*length = FRAMING_PREFIX;
	if (available < FRAMING_PREFIX)
		return FRAMING_PARTIAL;
	announced = (size_t)(octets[0] << 8 | octets[1]);
	if (announced < FRAMING_MESSAGE_MIN)
		return FRAMING_BAD;
	if (available - FRAMING_PREFIX < announced) {
		*length = FRAMING_PREFIX + announced;
		return FRAMING_PARTIAL;
	}
	*message = octets + FRAMING_PREFIX;
	*length = announced;
	return FRAMING_WHOLE;
}
