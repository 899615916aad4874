#include "dataplane/io/interface_mtus.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void look_up(struct interface_mtus *mtus, int fd, const struct if_nameindex *interface)
{
	struct ifreq request = {0};
	uint64_t slot = (uint64_t)interface->if_index << 32;

	strncpy(request.ifr_name, interface->if_name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFMTU, &request) != 0)
		return;
	slot |= (uint32_t)request.ifr_mtu;
	atomic_store_explicit(&mtus->slot[interface->if_index % INTERFACE_MTUS], slot,
			      memory_order_relaxed);
}

void interface_mtus_refresh(struct interface_mtus *mtus)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = fd < 0 ? NULL : if_nameindex();

	for (unsigned i = 0; all && all[i].if_index != 0; i++)
		look_up(mtus, fd, &all[i]);
	if (all)
		if_freenameindex(all);
	if (fd >= 0)
		close(fd);
}
