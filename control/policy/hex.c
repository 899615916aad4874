/* hex.c: see hex.h. */
#include "control/policy/hex.h"

#include <string.h>

/* The value of a digit; 16: it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

bool hex_from_text(const char *text, uint8_t *octets, size_t most, size_t *count)
{
	size_t length = strlen(text);

	if (length % 2 != 0 || length / 2 > most)
		return false;
	for (size_t i = 0; i < length; i += 2) {
		unsigned high = digit(text[i]), low = digit(text[i + 1]);

		if (high > 15 || low > 15)
			return false;
		octets[i / 2] = (uint8_t)(high << 4 | low);
	}
	*count = length / 2;
	return true;
}
