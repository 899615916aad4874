#include "dataplane/io/steering.h"

#include "dataplane/io/address.h"
#include "dataplane/io/interface.h"
#include "dataplane/io/steering_dispatcher.h"
#include "zones/abi/channel.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DNS_PORT      53
#define LEAVING_TRIES 400 /* times LEAVING_PAUSE: how long a dead process's program may stay */
#define LEAVING_PAUSE 5000000

/* Made from steer.bpf.c at build time. */
extern const unsigned char steer_object[];
extern const size_t steer_object_size;

struct steering {
	const char *interface;
	unsigned index;
	const struct listen_address *listen;
	unsigned listen_count;
	struct bpf_object *object;
	int queues;		     /* map fd, owned by the object */
	int addresses;		     /* map fd, owned by the object */
	struct steer_shared *shared; /* the program's variables */
	int link;
	struct steering_dispatcher *dispatcher; /* NULL: the program has the interface alone */
	bool native;
	int native_error;
	unsigned known_count;
	struct steer_key *known; /* sorted: what the map holds */
	struct steer_key *wanted;
};

static void explain(char error[IO_ERROR_TEXT], const char *what, int reason)
{
	const char *hint = "";

	if (reason == EPERM || reason == EACCES)
		hint = ": needs root, or CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF "
		       "(AmbientCapabilities= in systemd), or use --io socket";
	else if (reason == ENOMEM)
		hint = ": raise the limit on locked memory (`ulimit -l unlimited`, "
		       "LimitMEMLOCK=infinity in systemd)";
	else if (reason == ENOSYS || reason == EINVAL || reason == EOPNOTSUPP)
		hint = ": AF_XDP needs Linux 5.10 or newer, or use --io socket";
	snprintf(error, IO_ERROR_TEXT, "%s: %s%s", what, strerror(reason), hint);
}

static uint16_t only_port(const struct steering *steering)
{
	uint16_t port = DNS_PORT;

	for (unsigned i = 0; i < steering->listen_count; i++) {
		uint16_t here = address_port(&steering->listen[i].address);

		if (i > 0 && here != port)
			return 0;
		port = here;
	}
	return htons(port);
}

/* The memory of the program's variables, as it is now: libbpf only keeps their first values. */
static struct steer_shared *map_variables(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".bss");
	void *memory = MAP_FAILED;

	if (map && bpf_map__value_size(map) == sizeof(struct steer_shared))
		memory = mmap(NULL, sizeof(struct steer_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
			      bpf_map__fd(map), 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static bool open_program(struct steering *steering, unsigned queues, char error[IO_ERROR_TEXT])
{
	struct bpf_object_open_opts options = {.sz = sizeof(options), .object_name = "skua"};
	uint16_t port = only_port(steering);
	struct bpf_map *constants;

	steering->object = bpf_object__open_mem(steer_object, steer_object_size, &options);
	if (!steering->object) {
		explain(error, "can't read the XDP program in this build", errno);
		return false;
	}
	constants = bpf_object__find_map_by_name(steering->object, ".rodata");
	if (!constants || bpf_map__set_initial_value(constants, &port, sizeof(port)) != 0 ||
	    bpf_map__set_max_entries(bpf_object__find_map_by_name(steering->object, STEER_QUEUES),
				     queues) != 0) {
		explain(error, "can't prepare the XDP program", errno);
		return false;
	}
	return true;
}

static bool load_program(struct steering *steering, char error[IO_ERROR_TEXT])
{
	if (bpf_object__load(steering->object) == 0)
		return true;
	explain(error, "the kernel refuses the XDP program", errno);
	return false;
}

/* The program is loaded. */
static bool find_maps(struct steering *steering, char error[IO_ERROR_TEXT])
{
	steering->shared = map_variables(steering->object);
	if (!steering->shared) {
		explain(error, "can't map the XDP program's variables", errno);
		return false;
	}
	steering->queues = bpf_object__find_map_fd_by_name(steering->object, STEER_QUEUES);
	steering->addresses = bpf_object__find_map_fd_by_name(steering->object, STEER_ADDRESSES);
	return true;
}

/* The id of a program on the interface, in whatever mode; 0: none. */
static uint32_t attached_program(unsigned index, const char **mode)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};

	if (bpf_xdp_query((int)index, 0, &query) != 0)
		return 0;
	*mode = query.skb_prog_id ? "xdpgeneric" : query.hw_prog_id ? "xdpoffload" : "xdpdrv";
	return query.skb_prog_id  ? query.skb_prog_id
	       : query.hw_prog_id ? query.hw_prog_id
				  : query.prog_id;
}

static void program_name(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	if (fd >= 0)
		close(fd);
}

/* Whether the interface is free of XDP programs. The program of a Skua that was just killed may
 * still be on its way out; it is given the time. */
static bool is_free(const struct steering *steering, char error[IO_ERROR_TEXT])
{
	char name[BPF_OBJ_NAME_LEN];
	const char *mode = "xdp";
	uint32_t id = 0;

	for (unsigned i = 0; i < LEAVING_TRIES; i++) {
		id = attached_program(steering->index, &mode);
		if (id == 0)
			return true;
		program_name(id, name);
		if (strcmp(name, STEER_PROGRAM) != 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = LEAVING_PAUSE}, NULL);
	}
	if (strcmp(name, STEER_PROGRAM) == 0)
		snprintf(error, IO_ERROR_TEXT,
			 "another Skua serves %s (XDP program %s, id %u): stop it first",
			 steering->interface, name, id);
	else
		snprintf(
		    error, IO_ERROR_TEXT,
		    "%s has the XDP program \"%s\" (id %u, %s) of somebody else, which is left "
		    "alone: see it with `ip link show dev %s` or `bpftool prog show id %u`; stop "
		    "the program that owns it, or take it off with `ip link set dev %s %s off`",
		    steering->interface, name, id, mode, steering->interface, id,
		    steering->interface, mode);
	return false;
}

static void follow_link_address(struct steering *steering)
{
	uint64_t octets = 0;

	if (interface_link_address(steering->interface, (uint8_t *)&octets))
		__atomic_store_n(&steering->shared->link_address, octets, __ATOMIC_RELAXED);
}

static int attach(const struct steering *steering, uint32_t mode)
{
	struct bpf_link_create_opts options = {.sz = sizeof(options), .flags = mode};
	struct bpf_program *program =
	    bpf_object__find_program_by_name(steering->object, STEER_PROGRAM);

	return bpf_link_create(bpf_program__fd(program), (int)steering->index, BPF_XDP, &options);
}

/* In the driver if it can; what hinders it there (no support, MTU, queues) does not matter. */
static bool attach_somehow(struct steering *steering, char error[IO_ERROR_TEXT])
{
	char what[96];

	if (!is_free(steering, error))
		return false;
	steering->native = true;
	steering->link = attach(steering, XDP_FLAGS_DRV_MODE);
	if (steering->link < 0 && errno != EPERM && errno != EBUSY) {
		steering->native = false;
		steering->native_error = errno;
		steering->link = attach(steering, XDP_FLAGS_SKB_MODE);
	}
	if (steering->link >= 0)
		return true;
	snprintf(what, sizeof(what), "can't attach the XDP program to %s", steering->interface);
	explain(error, what, errno);
	return false;
}

static bool has_dispatcher(const struct steering *steering)
{
	char name[BPF_OBJ_NAME_LEN];
	const char *mode;
	uint32_t id = attached_program(steering->index, &mode);

	if (id == 0)
		return false;
	program_name(id, name);
	return strcmp(name, DISPATCHER_PROGRAM) == 0;
}

/* By a link of our own, or beside those who came by libxdp's dispatcher. One that holds nothing but
 * what an earlier Skua has left goes with that. */
static bool load_and_attach(struct steering *steering, char error[IO_ERROR_TEXT])
{
	bool alone = true;

	if (has_dispatcher(steering)) {
		steering->dispatcher =
		    dispatcher_open(steering->interface, steering->index, &alone, error);
		if (!steering->dispatcher)
			return false;
	}
	if (alone)
		return load_program(steering, error) && attach_somehow(steering, error);
	steering->native_error = EOPNOTSUPP; /* if it runs in the generic hook */
	return dispatcher_join(steering->dispatcher, steering->object, &steering->native, error);
}

struct steering *steering_open(const char *interface, unsigned index, unsigned queues,
			       const struct listen_address *listen, unsigned listen_count,
			       char error[IO_ERROR_TEXT])
{
	struct steering *steering = calloc(1, sizeof(*steering));

	libbpf_set_print(NULL); /* our message says it */
	if (!steering) {
		explain(error, "the XDP program's data", ENOMEM);
		return NULL;
	}
	steering->interface = interface;
	steering->index = index;
	steering->listen = listen;
	steering->listen_count = listen_count;
	steering->link = -1;
	steering->known = calloc(STEER_ADDRESSES_MAX, sizeof(*steering->known));
	steering->wanted = calloc(STEER_ADDRESSES_MAX, sizeof(*steering->wanted));
	if (!steering->known || !steering->wanted)
		explain(error, "the XDP program's data", ENOMEM);
	else if (open_program(steering, queues, error) && load_and_attach(steering, error) &&
		 find_maps(steering, error))
		return steering;
	steering_close(steering);
	return NULL;
}

void steering_close(struct steering *steering)
{
	if (steering->link >= 0)
		close(steering->link);
	dispatcher_close(steering->dispatcher);
	if (steering->shared)
		munmap(steering->shared, sizeof(*steering->shared));
	if (steering->object)
		bpf_object__close(steering->object);
	free(steering->known);
	free(steering->wanted);
	free(steering);
}

/* Nothing has the key of all zeroes in the map, so that taking it out changes nothing. */
uint64_t steering_capabilities(const struct steering *steering)
{
	const struct steer_key nobody = {.port = 0};

	if (bpf_map_delete_elem(steering->addresses, &nobody) != 0 && errno == EPERM)
		return UINT64_C(1) << CAP_BPF;
	return 0;
}

bool steering_is_native(const struct steering *steering)
{
	return steering->native;
}

int steering_native_error(const struct steering *steering)
{
	return steering->native_error;
}

const struct steer_passed *steering_passed(const struct steering *steering, unsigned queue)
{
	return &steering->shared->passed[queue];
}

void steering_count(struct steering_seen *seen, uint64_t counts[])
{
	static_assert(COUNT_pass_runt + STEER_no_socket == COUNT_pass_no_socket, "the same order");

	for (unsigned i = 0; i < STEER_PASSES; i++) {
		uint64_t passed = __atomic_load_n(&seen->passed->count[i], __ATOMIC_RELAXED);

		counts[COUNT_pass_runt + i] += passed - seen->counted[i];
		seen->counted[i] = passed;
	}
}

bool steering_add_queue(struct steering *steering, unsigned queue, int fd,
			char error[IO_ERROR_TEXT])
{
	if (bpf_map_update_elem(steering->queues, &queue, &fd, BPF_ANY) == 0)
		return true;
	explain(error, "can't give the queue's socket to the XDP program", errno);
	return false;
}

static bool is_ipv4(const struct in6_addr *address)
{
	return IN6_IS_ADDR_V4MAPPED(address);
}

static unsigned want(struct steering *steering, unsigned count, const struct in6_addr *address,
		     uint16_t port)
{
	struct steer_key key = {.port = htons(port), .family = is_ipv4(address) ? 4 : 6};

	if (count == STEER_ADDRESSES_MAX)
		return count;
	memcpy(key.address, address, 16);
	steering->wanted[count] = key;
	return count + 1;
}

struct found {
	const struct interface_address *address;
	unsigned count;
};

/* All those of a family (AF_UNSPEC: of both) at one port. */
static unsigned want_found(struct steering *steering, unsigned count, struct found found,
			   int family, uint16_t port)
{
	for (unsigned i = 0; i < found.count; i++) {
		const struct in6_addr *address = &found.address[i].address;

		if (family == AF_UNSPEC || (family == AF_INET) == is_ipv4(address))
			count = want(steering, count, address, port);
	}
	return count;
}

static unsigned want_listed(struct steering *steering, unsigned count,
			    const struct sockaddr_storage *listed)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	if (listed->ss_family == AF_INET)
		memcpy(address.s6_addr + 12,
		       &((const struct sockaddr_in *)(const void *)listed)->sin_addr, 4);
	else
		address = ((const struct sockaddr_in6 *)(const void *)listed)->sin6_addr;
	return want(steering, count, &address, address_port(listed));
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct steer_key));
}

/* Fills wanted[], sorted and without doubles; returns their number. */
static unsigned list_wanted(struct steering *steering, struct found found)
{
	unsigned count = 0, unique = 0;

	if (steering->listen_count == 0)
		count = want_found(steering, 0, found, AF_UNSPEC, DNS_PORT);
	for (unsigned i = 0; i < steering->listen_count; i++) {
		const struct sockaddr_storage *listed = &steering->listen[i].address;

		if (address_is_unspecified(listed))
			count = want_found(steering, count, found, listed->ss_family,
					   address_port(listed));
		else
			count = want_listed(steering, count, listed);
	}
	qsort(steering->wanted, count, sizeof(struct steer_key), compare_keys);
	for (unsigned i = 0; i < count; i++)
		if (i == 0 || compare_keys(&steering->wanted[i], &steering->wanted[i - 1]) != 0)
			steering->wanted[unique++] = steering->wanted[i];
	return unique;
}

/* One walk along both sorted lists: what is only in the old one leaves the map, what is only in
 * the new one enters it. Those that stay are never out of it. */
void steering_refresh(struct steering *steering, const struct interface_address *addresses,
		      unsigned found)
{
	unsigned count = list_wanted(steering, (struct found){addresses, found}), old = 0, new = 0;
	struct steer_key *kept = steering->known;
	uint8_t present = 1;

	follow_link_address(steering);
	while (old < steering->known_count || new < count) {
		int order = old == steering->known_count ? 1
			    : new == count		 ? -1
					   : compare_keys(&kept[old], &steering->wanted[new]);

		if (order < 0)
			bpf_map_delete_elem(steering->addresses, &kept[old]);
		else if (order > 0)
			bpf_map_update_elem(steering->addresses, &steering->wanted[new], &present,
					    BPF_ANY);
		old += order <= 0;
		new += order >= 0;
	}
	steering->known = steering->wanted;
	steering->wanted = kept;
	steering->known_count = count;
}
