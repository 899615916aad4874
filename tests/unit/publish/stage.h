/* stage.h: a directory with a control and a dataplane in it, both played by one thread. Functions
 * fail the test when a step that has to work does not. */
#ifndef SKUA_TESTS_UNIT_PUBLISH_STAGE_H
#define SKUA_TESTS_UNIT_PUBLISH_STAGE_H

#include "dataplane/adopt/adopt.h"
#include "tests/unit/publish/scene.h"

#include <sys/stat.h>

#define STAGE_CAPACITY (8u << 20)

struct stage {
	char path[64];
	char error[512];
	struct random random;
	unsigned replicas; /* that control_start() makes; 1 at first */
	struct publisher *publisher;
	struct adopt *adopt;
};

/* A test with a stage of its own as *state. */
#define STEP(test) cmocka_unit_test_setup_teardown(test, stage_open, stage_close)
int stage_open(void **state);
int stage_close(void **state);

void control_start(struct stage *stage);
void control_stop(struct stage *stage);
void dataplane_start(struct stage *stage, unsigned workers);

/* What the main thread sees; nothing may be refused. */
bool polled(struct stage *stage);
/* The generation that the worker adopts now, checked to be whole; 0: none. */
uint64_t adopted(struct stage *stage, unsigned worker);
/* Octets that wait for readers. */
uint64_t retired(const struct stage *stage);

mode_t mode_of(const struct stage *stage, const char *name);
/* Damages a file of the directory. */
void write_at(const struct stage *stage, const char *name, off_t offset, uint32_t value);

#endif
