#include "dataplane/worker/worker.h"

#include <stdio.h>
#include <strings.h>

static const char *const words[] = {
    [IDLE_POLL] = "poll",
    [IDLE_ADAPTIVE] = "adaptive",
    [IDLE_INTERRUPT] = "interrupt",
};

bool idle_from_text(const char *text, enum idle_mode *mode)
{
	for (enum idle_mode i = IDLE_POLL; i <= IDLE_INTERRUPT; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*mode = i;
			return true;
		}
	}
	return false;
}

bool idle_settle(enum idle_mode *mode, const struct packet_io_class *io_class, char *error,
		 size_t error_size)
{
	if (*mode == IDLE_DEFAULT)
		*mode = io_class->wait ? IDLE_ADAPTIVE : IDLE_POLL;
	if (*mode != IDLE_INTERRUPT || io_class->wait)
		return true;
	snprintf(error, error_size,
		 "--idle interrupt: with --io %s nothing wakes a worker when a packet comes: give "
		 "--idle poll (its default), or adaptive, which naps between bursts",
		 io_class->name);
	return false;
}

/* Only a hit after some misses says anything about the worth of waiting. */
static void learn_from_hit(struct idle *idle)
{
	if (idle->empty > 0 && idle->patience < IDLE_MOST)
		idle->patience *= 2;
	idle->empty = 0;
}

bool idle_after_burst(struct idle *idle, unsigned received)
{
	if (idle->mode != IDLE_ADAPTIVE)
		return idle->mode == IDLE_INTERRUPT && received == 0;
	if (received > 0) {
		learn_from_hit(idle);
		return false;
	}
	if (++idle->empty < idle->patience)
		return false;
	idle->empty = 0;
	if (idle->patience > IDLE_LEAST)
		idle->patience /= 2;
	return true;
}
