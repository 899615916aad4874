#include "dataplane/io/dpdk_visit.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_interrupts.h>

#define LOOK_AGAIN 50000 /* nanoseconds: a visit is a burst */

/* Set while no worker runs; the interrupt thread is there all the time. */
static struct dpdk_visit *const *visits;
static _Atomic unsigned visit_count; /* release in begin and end; acquire in munmap() */

bool dpdk_visit_needed(const char *driver)
{
	return strcmp(driver, "net_memif") == 0;
}

void dpdk_visits_begin(struct dpdk_visit *const visit[], unsigned count)
{
	visits = visit;
	atomic_store_explicit(&visit_count, count, memory_order_release);
}

void dpdk_visits_end(void)
{
	atomic_store_explicit(&visit_count, 0, memory_order_release);
}

static void wait_for_visits(void)
{
	unsigned count = atomic_load_explicit(&visit_count, memory_order_acquire);

	channel_fence();
	for (unsigned i = 0; i < count; i++) {
		while (atomic_load_explicit(&visits[i]->inside, memory_order_acquire))
			nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN}, NULL);
	}
}

/* In place of libc's for the whole program, drivers included: the executable's symbols come first.
 * libc itself uses one of its own. */
int munmap(void *address, size_t length)
{
	if (atomic_load_explicit(&visit_count, memory_order_relaxed) > 0 && rte_thread_is_intr())
		wait_for_visits();
	return (int)syscall(SYS_munmap, address, length);
}
