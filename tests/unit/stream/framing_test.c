/* Framing: every way to cut a stream must give the same messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/stream/framing.h"

#include <stdlib.h>
#include <string.h>

static enum framing next(const uint8_t *octets, size_t available, size_t *length)
{
	const uint8_t *message;
	enum framing framing = framing_next(octets, available, &message, length);

	if (framing == FRAMING_WHOLE)
		assert_ptr_equal(message, octets + FRAMING_PREFIX);
	else
		assert_null(message);
	return framing;
}

static void lengths(void **state)
{
	static uint8_t octets[FRAMING_MOST + 1];
	size_t length;

	(void)state;
	assert_int_equal(next(octets, 0, &length), FRAMING_PARTIAL);
	assert_int_equal(length, 2);
	assert_int_equal(next(octets, 1, &length), FRAMING_PARTIAL);
	assert_int_equal(length, 2);
	assert_int_equal(next(octets, 2, &length), FRAMING_BAD); /* length 0 */
	octets[1] = 11;
	assert_int_equal(next(octets, 2, &length), FRAMING_BAD);
	octets[1] = 12;
	assert_int_equal(next(octets, 2, &length), FRAMING_PARTIAL);
	assert_int_equal(length, 14);
	assert_int_equal(next(octets, 13, &length), FRAMING_PARTIAL);
	assert_int_equal(next(octets, 14, &length), FRAMING_WHOLE);
	assert_int_equal(length, 12);
	octets[0] = octets[1] = 255;
	assert_int_equal(next(octets, FRAMING_MOST - 1, &length), FRAMING_PARTIAL);
	assert_int_equal(length, FRAMING_MOST);
	assert_int_equal(next(octets, FRAMING_MOST, &length), FRAMING_WHOLE);
	assert_int_equal(length, 65535);
}

/* Cuts whole messages off the front; returns the octets that they took. */
static size_t cut(const uint8_t *octets, size_t available, uint32_t *hash, unsigned *count)
{
	const uint8_t *message;
	size_t taken = 0, length;

	while (framing_next(octets + taken, available - taken, &message, &length) ==
	       FRAMING_WHOLE) {
		for (size_t i = 0; i < length; i++)
			*hash = *hash * 31 + message[i];
		taken += FRAMING_PREFIX + length;
		(*count)++;
	}
	return taken;
}

static void any_fragmentation_gives_the_same(void **state)
{
	static uint8_t stream[64 * 1024], held[64 * 1024];
	uint32_t whole_hash = 0, hash;
	unsigned whole_count = 0, count;
	size_t size = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 60; i++) {
		size_t length = 12 + (size_t)rand() % 900;
		stream[size++] = (uint8_t)(length >> 8);
		stream[size++] = (uint8_t)length;
		while (length-- > 0)
			stream[size++] = (uint8_t)rand();
	}
	assert_int_equal(cut(stream, size, &whole_hash, &whole_count), size);
	assert_int_equal(whole_count, 60);
	for (int round = 0; round < 200; round++) {
		size_t kept = 0, at = 0;
		hash = count = 0;
		while (at < size) {
			size_t piece = 1 + (size_t)rand() % (round < 20 ? 3 : 2000);
			piece = piece > size - at ? size - at : piece;
			memcpy(held + kept, stream + at, piece);
			at += piece;
			kept += piece;
			size_t taken = cut(held, kept, &hash, &count);
			memmove(held, held + taken, kept - taken);
			kept -= taken;
		}
		assert_int_equal(kept, 0);
		assert_int_equal(count, whole_count);
		assert_int_equal(hash, whole_hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths),
	    cmocka_unit_test(any_fragmentation_gives_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
