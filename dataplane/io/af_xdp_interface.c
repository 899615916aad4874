#include "dataplane/io/af_xdp_interface.h"

#include "dataplane/io/interface_watch.h"
#include "runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART		"dataplane.af_xdp"
#define ETHERNET_HEADER 14u
/* What the drivers take that keep a frame in one page, with header room and the kernel's own. */
#define MTU_USUAL 3498u

unsigned af_xdp_interface_queues(const struct af_xdp_choice *choice, unsigned *absent)
{
	unsigned named = 0;
	char names[256];

	for (unsigned q = 0; q < AF_XDP_QUEUES_MAX; q++)
		named += choice->queue[q];
	if (interface_index(choice->interface, names, sizeof(names)) != 0)
		return choice->all ? interface_queues(choice->interface) : named;
	*absent += choice->all ? AF_XDP_QUEUES_MAX : named;
	return 0;
}

bool af_xdp_interface_refuse(const char *name, char error[IO_ERROR_TEXT])
{
	char names[256] = "";

	interface_index("", names, sizeof(names));
	snprintf(error, IO_ERROR_TEXT,
		 "--io af_xdp:%.40s: there is no such interface; this host has: %s", name, names);
	return false;
}

void af_xdp_interface_log_missing(const struct af_xdp_interface *interface)
{
	char names[256] = "";

	interface_index("", names, sizeof(names));
	log_error(PART,
		  "there is no such interface: starting on the others, and again once it is there "
		  "and up",
		  LOG_TEXT("interface", interface->given), LOG_TEXT("this_host_has", names));
}

/* A name that no interface can have is refused: that one will never come. */
static bool find_index(struct af_xdp_interface *interface, const char *name,
		       char error[IO_ERROR_TEXT])
{
	char names[256];

	if (strlen(name) >= IF_NAMESIZE)
		return af_xdp_interface_refuse(name, error);
	interface->index = interface_index(name, names, sizeof(names));
	interface->missing = interface->index == 0;
	snprintf(interface->name, sizeof(interface->name), "%.*s", IF_NAMESIZE - 1, name);
	memcpy(interface->given, interface->name, sizeof(interface->given));
	return true;
}

static bool choose_queues(struct af_xdp_interface *interface, const struct af_xdp_choice *choice,
			  char error[IO_ERROR_TEXT])
{
	const char *name = interface->name;
	const unsigned most = STEER_QUEUES_MAX;

	interface->queue_count = interface_queues(name);
	if (choice->all && interface->queue_count > most) {
		snprintf(error, IO_ERROR_TEXT,
			 "%s has %u receive queues, more than the %u that are supported: have "
			 "fewer (`ethtool -L %s combined %u`)",
			 name, interface->queue_count, most, name, most);
		return false;
	}
	for (unsigned i = 0; i < STEER_QUEUES_MAX; i++) {
		interface->chosen[i] = choice->all ? i < interface->queue_count : choice->queue[i];
		interface->chosen_count += interface->chosen[i];
		if (!interface->chosen[i] || i < interface->queue_count)
			continue;
		snprintf(error, IO_ERROR_TEXT,
			 "%s has no queue %u: it has %u, numbered from 0; name others, or have "
			 "more (`ethtool -L %s combined %u`)",
			 name, i, interface->queue_count, name, i + 1);
		return false;
	}
	return true;
}

/* How many queues it takes to have all those that are named. */
static unsigned last_named(const struct af_xdp_choice *choice)
{
	unsigned last = 0;

	for (unsigned q = 0; q < AF_XDP_QUEUES_MAX; q++)
		if (choice->queue[q])
			last = q + 1;
	return last;
}

bool af_xdp_interface_find(struct af_xdp_interface *interface, const struct af_xdp_choice *choice,
			   char error[IO_ERROR_TEXT])
{
	interface->watch = -1;
	interface->copy = choice->copy;
	interface->found = calloc(STEER_ADDRESSES_MAX, sizeof(*interface->found));
	if (!interface->found) {
		snprintf(error, IO_ERROR_TEXT, "out of memory for the addresses of an interface");
		return false;
	}
	/* First: what changes from here on is heard of. */
	interface->watch = interface_watch_open();
	if (!find_index(interface, choice->interface, error))
		return false;
	if (interface->missing) {
		interface->least_queues = last_named(choice);
		return true;
	}
	if (!choose_queues(interface, choice, error))
		return false;
	interface->mtu = interface_mtu(interface->name);
	interface->room = interface->mtu + ETHERNET_HEADER;
	return true;
}

/* Nothing of this keeps it from answering; an operator wants to know all the same. */
static void warn_of_slowness(const struct af_xdp_interface *interface)
{
	int reason = steering_native_error(interface->steering);

	if (interface->chosen_count < interface->queue_count)
		log_warning(PART,
			    "not all queues are taken: queries on the others go to the kernel, "
			    "where nobody answers them; keep them away (ethtool -X or -N)",
			    LOG_TEXT("interface", interface->name),
			    LOG_UNSIGNED("taken", interface->chosen_count),
			    LOG_UNSIGNED("queues", interface->queue_count));
	if (steering_is_native(interface->steering))
		return;
	log_warning(PART,
		    interface->mtu > MTU_USUAL
			? "the driver takes no XDP program, maybe for the MTU (most want 3498 or "
			  "less, some 1500): generic mode is used, which is slower"
			: "the driver takes no XDP program: generic mode is used, which is slower",
		    LOG_TEXT("interface", interface->name), LOG_TEXT("reason", strerror(reason)),
		    LOG_UNSIGNED("mtu", interface->mtu));
}

bool af_xdp_interface_attach(struct af_xdp_interface *interface,
			     const struct listen_address *listen, unsigned listen_count,
			     char error[IO_ERROR_TEXT])
{
	interface->steering = steering_open(interface->name, interface->index,
					    interface->queue_count, listen, listen_count, error);
	if (!interface->steering)
		return false;
	if (interface->copy == AF_XDP_ZERO_COPY && !steering_is_native(interface->steering)) {
		snprintf(error, IO_ERROR_TEXT,
			 "%s:zero-copy: its driver takes no XDP program (%s), so there is no "
			 "zero-copy: leave the word out",
			 interface->name, strerror(steering_native_error(interface->steering)));
		return false;
	}
	warn_of_slowness(interface);
	return true;
}

static void look_up_addresses(struct af_xdp_interface *interface)
{
	int found = interface_addresses(interface->name, interface->found, STEER_ADDRESSES_MAX);

	if (found >= 0) /* else those of before: the kernel did not say */
		interface->found_count =
		    found < STEER_ADDRESSES_MAX ? (unsigned)found : STEER_ADDRESSES_MAX;
}

static void look_at_queues(struct af_xdp_interface *interface)
{
	unsigned queues = interface_queues(interface->name);

	if (queues > interface->queue_count && !interface->more_queues)
		log_error(
		    PART,
		    "the interface has more queues than at the start: queries on the new ones "
		    "go to the kernel, where nobody answers them; start again",
		    LOG_TEXT("interface", interface->name), LOG_UNSIGNED("queues", queues),
		    LOG_UNSIGNED("at_the_start", interface->queue_count));
	interface->more_queues = queues > interface->queue_count;
}

/* A new start that refuses it would end the others' service. */
static enum interface_state look_for_missing(struct af_xdp_interface *interface)
{
	bool up = interface_is_up(interface->name);
	unsigned queues = up ? interface_queues(interface->name) : 0;
	bool too_few = up && queues < interface->least_queues;

	if (too_few && !interface->too_few_queues)
		log_error(PART,
			  "the interface has come, without all queues that --io names: it is not "
			  "taken before it has more (ethtool -L)",
			  LOG_TEXT("interface", interface->given), LOG_UNSIGNED("queues", queues),
			  LOG_UNSIGNED("wanted", interface->least_queues));
	interface->too_few_queues = too_few;
	return up && !too_few ? INTERFACE_REPLACED : INTERFACE_MISSING;
}

void af_xdp_interface_look(struct af_xdp_interface *interface)
{
	char name[IF_NAMESIZE];
	unsigned mtu;

	interface->removed |= interface_watch_drain(interface->watch, interface->index);
	if (interface->missing) {
		interface->state = look_for_missing(interface);
		return;
	}
	if (interface->removed || !if_indextoname(interface->index, name)) {
		interface->removed = true;
		interface->found_count = 0;
		interface->state =
		    interface_is_up(interface->name) ? INTERFACE_REPLACED : INTERFACE_GONE;
		return;
	}
	memcpy(interface->name, name, sizeof(name));
	look_up_addresses(interface);
	look_at_queues(interface);
	mtu = interface_mtu(interface->name);
	if (mtu > 0)
		atomic_store_explicit(&interface->room, mtu + ETHERNET_HEADER,
				      memory_order_relaxed);
	interface->state = interface_is_up(interface->name) ? INTERFACE_UP : INTERFACE_DOWN;
}

void af_xdp_interface_detach(struct af_xdp_interface *interface)
{
	if (interface->steering)
		steering_close(interface->steering);
	interface->steering = NULL;
}

void af_xdp_interface_close(struct af_xdp_interface *interface)
{
	af_xdp_interface_detach(interface);
	interface_watch_close(interface->watch);
	free(interface->found);
}
