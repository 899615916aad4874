#include "dataplane/io/interface.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void list_names(char *names, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	size_t at = 0;

	names[0] = '\0';
	if (!all)
		return;
	for (unsigned i = 0; all[i].if_index != 0 && at < size; i++)
		at +=
		    (size_t)snprintf(names + at, size - at, "%s%s", i ? ", " : "", all[i].if_name);
	if_freenameindex(all);
}

unsigned interface_index(const char *name, char *names, size_t names_size)
{
	unsigned index = if_nametoindex(name);

	if (index == 0)
		list_names(names, names_size);
	return index;
}

/* One ioctl on the interface of that name; request's data is in place. */
static bool ask(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return false;
	snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	result = ioctl(fd, what, request);
	close(fd);
	return result == 0;
}

/* What sysfs shows, for drivers that do not tell ethtool. */
static unsigned count_queue_folders(const char *name)
{
	char path[64];
	struct dirent *entry;
	unsigned count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/class/net/%.20s/queues", name);
	folder = opendir(path);
	if (!folder)
		return 1;
	while ((entry = readdir(folder)))
		count += strncmp(entry->d_name, "rx-", 3) == 0;
	closedir(folder);
	return count > 0 ? count : 1;
}

unsigned interface_queues(const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq request = {.ifr_data = (char *)&channels};

	if (!ask(name, SIOCETHTOOL, &request))
		return count_queue_folders(name);
	if (channels.combined_count + channels.rx_count == 0)
		return 1;
	return channels.combined_count + channels.rx_count;
}

unsigned interface_mtu(const char *name)
{
	struct ifreq request = {0};

	return ask(name, SIOCGIFMTU, &request) ? (unsigned)request.ifr_mtu : 0;
}

bool interface_link_address(const char *name, uint8_t address[6])
{
	struct ifreq request = {0};

	if (!ask(name, SIOCGIFHWADDR, &request) || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return false;
	memcpy(address, request.ifr_hwaddr.sa_data, 6);
	return true;
}

bool interface_is_up(const char *name)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING;
	struct ifreq request = {0};

	return ask(name, SIOCGIFFLAGS, &request) &&
	       ((unsigned)request.ifr_flags & wanted) == wanted;
}

static bool is_set(const char *name, const char *what)
{
	char path[96], value[24] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%.20s/%s", name, what);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(value, sizeof(value), file))
		value[0] = '\0';
	fclose(file);
	return value[0] >= '1' && value[0] <= '9';
}

bool interface_defers_interrupts(const char *name)
{
	return is_set(name, "napi_defer_hard_irqs") && is_set(name, "gro_flush_timeout");
}

bool interface_strips_tags(const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (char *)&flags};

	return ask(name, SIOCETHTOOL, &request) && (flags.data & ETH_FLAG_RXVLAN) != 0;
}

static bool is_vlan_on(int fd, const char *candidate, const char *name)
{
	struct vlan_ioctl_args request = {.cmd = GET_VLAN_REALDEV_NAME_CMD};

	snprintf(request.device1, sizeof(request.device1), "%.15s", candidate);
	return ioctl(fd, SIOCGIFVLAN, &request) == 0 &&
	       strncmp(request.u.device2, name, sizeof(request.u.device2)) == 0;
}

/* False: neither IPv4 nor IPv6. */
static bool as_in6(const struct sockaddr *address, struct in6_addr *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!address)
		return false;
	if (address->sa_family == AF_INET6) {
		memcpy(out, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), 16);
		return true;
	}
	if (address->sa_family != AF_INET)
		return false;
	memcpy(out->s6_addr, mapped, 12);
	memcpy(out->s6_addr + 12, (const char *)address + offsetof(struct sockaddr_in, sin_addr),
	       4);
	return true;
}

static bool is_loopback(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return address->s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(address);
}

/* vlan_fd: a socket to ask for VLAN interfaces; -1: they don't count. */
static bool can_be_destination(const struct ifaddrs *at, const struct in6_addr *address,
			       const char *name, int vlan_fd)
{
	if (strcmp(at->ifa_name, name) == 0)
		return true;
	if (at->ifa_flags & IFF_LOOPBACK)
		return !is_loopback(address);
	return vlan_fd >= 0 && is_vlan_on(vlan_fd, at->ifa_name, name);
}

int interface_addresses(const char *name, struct interface_address *addresses, unsigned max)
{
	int fd = interface_strips_tags(name) ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifaddrs *all;
	unsigned count = 0;

	if (getifaddrs(&all) < 0)
		all = NULL;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct interface_address found;

		if (!as_in6(i->ifa_addr, &found.address) ||
		    !can_be_destination(i, &found.address, name, fd))
			continue;
		if (count < max)
			addresses[count] = found;
		count++;
	}
	if (fd >= 0)
		close(fd);
	if (!all)
		return -1;
	freeifaddrs(all);
	return (int)count;
}

bool interface_listen(const struct interface_address *found, uint16_t port,
		      struct sockaddr_storage *out)
{
	const struct in6_addr *address = &found->address;
	struct sockaddr_in6 v6 = {
	    .sin6_family = AF_INET6, .sin6_addr = *address, .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	memset(out, 0, sizeof(*out));
	if (IN6_IS_ADDR_V4MAPPED(address)) {
		memcpy(&v4.sin_addr, address->s6_addr + 12, 4);
		memcpy(out, &v4, sizeof(v4));
		return true;
	}
	memcpy(out, &v6, sizeof(v6));
	return !IN6_IS_ADDR_LINKLOCAL(address);
}
