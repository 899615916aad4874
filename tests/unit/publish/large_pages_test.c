/* An arena on tmpfs has large pages where the kernel makes them of small ones (Linux 6.1). */
#include "control/publish/arena_file.h"
#include "tests/unit/publish/stage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE	 (2ull << 20)
#define CAPACITY (32 * LARGE)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* By the same call for memory that is no file's. */
static bool kernel_collapses(void)
{
	uint8_t *range =
	    mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *base = (uint8_t *)(((uintptr_t)range + LARGE - 1) / LARGE * LARGE);
	bool done;

	assert_ptr_not_equal(range, MAP_FAILED);
	base[0] = 1;
	done = madvise(base, LARGE, MADV_COLLAPSE) == 0;
	munmap(range, 2 * LARGE);
	return done;
}

/* Of the mapping that begins there. */
static unsigned long long large_octets(const uint8_t *base)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long long from, to, kilobytes = 0;
	bool within = false;
	char line[256];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
			within = from == (uintptr_t)base;
		else if (within && sscanf(line, "ShmemPmdMapped: %llu", &kilobytes) == 1)
			break;
	}
	fclose(file);
	return kilobytes << 10;
}

static void expect_zero(const uint8_t *base, uint64_t octets)
{
	for (uint64_t at = 0; at < octets; at += 4096)
		assert_int_equal(base[at], 0);
}

static void tmpfs_gets_large_pages(void **state)
{
	struct stage *stage = *state;
	struct arena_place place = {.runtime_dir = stage->path,
				    .runtime_fd = open(stage->path, O_RDONLY | O_DIRECTORY)};
	struct arena_file file;

	assert_true(place.runtime_fd >= 0);
	if (!arena_file_make(&place, 1, 0, -1, CAPACITY, &file, stage->error, sizeof(stage->error)))
		fail_msg("%s", stage->error);
	assert_int_equal((uintptr_t)file.base % LARGE, 0);
	for (uint64_t octets = 1; octets < CAPACITY; octets += LARGE) {
		assert_true(arena_file_grow(&file, octets));
		assert_true(file.backed >= octets);
	}
	expect_zero(file.base, file.backed);
	if (kernel_collapses()) /* single ones may fail: memory in pieces */
		assert_true(large_octets(file.base) >= file.backed / 2);
	else
		assert_true(file.small_only);
	arena_file_close(&file);
	close(place.runtime_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {STEP(tmpfs_gets_large_pages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
