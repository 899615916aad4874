/* Framing of a TCP stream: however the octets come in pieces, the messages must be the same as from
 * the whole, lie inside it, and garbage must be seen at the same place.
 *
 * Input: the first octet seeds the sizes of the pieces, the rest is the stream. */
#include "dataplane/stream/framing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	size_t taken;
	size_t messages;
	uint32_t hash;
	enum framing end;
};

static void cut(const uint8_t *octets, size_t available, size_t *taken, struct outcome *outcome)
{
	const uint8_t *message;
	size_t length;

	*taken = 0;
	for (;;) {
		outcome->end = framing_next(octets + *taken, available - *taken, &message, &length);
		if (outcome->end != FRAMING_WHOLE)
			return;
		if (message != octets + *taken + FRAMING_PREFIX || length < FRAMING_MESSAGE_MIN ||
		    length > available - *taken - FRAMING_PREFIX)
			abort();
		for (size_t i = 0; i < length; i++)
			outcome->hash = outcome->hash * 31 + message[i];
		*taken += FRAMING_PREFIX + length;
		outcome->messages++;
	}
}

/* Copies to memory of the exact size, so that a read past the end is seen. */
static void cut_pieces(const uint8_t *stream, size_t size, unsigned seed, struct outcome *outcome)
{
	size_t start = 0, end = 0, taken;

	while (end < size && outcome->end != FRAMING_BAD) {
		size_t piece = 1 + (size_t)rand_r(&seed) % 97;
		end += piece > size - end ? size - end : piece;
		uint8_t *held = malloc(end - start);
		if (!held)
			return;
		memcpy(held, stream + start, end - start);
		cut(held, end - start, &taken, outcome);
		free(held);
		start += taken;
	}
	outcome->taken = start;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = {.end = FRAMING_PARTIAL}, pieces = {.end = FRAMING_PARTIAL};

	if (size < 2)
		return 0;
	cut(data + 1, size - 1, &whole.taken, &whole);
	cut_pieces(data + 1, size - 1, data[0], &pieces);
	if (whole.taken != pieces.taken || whole.messages != pieces.messages ||
	    whole.hash != pieces.hash || whole.end != pieces.end)
		abort();
	return 0;
}
