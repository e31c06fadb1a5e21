// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands of <linux/shmipc.h> in a process: the counterpart of driver/chardev.c,
 * called by internal.c. The structs come from the library itself, so their sizes are
 * right; what a caller chose is checked as in the kernel.
 */
#include "host.h"

/* What a command accepts and answers: its flags, and where its results start */
struct command {
	u32 flags;
	u32 out;
	u32 size;
	int (*handler)(struct host_endpoint *ep, void *arg);
};

#define PORT_FLAGS	(SHMIPC_PORT_TOTAL_DEPTH | SHMIPC_PORT_LOCAL | SHMIPC_PORT_META)

static int do_info(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_info(ep, arg);
}

static int do_peers(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_peers(ep, arg);
}

static int do_ports(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_ports(ep, arg);
}

static int do_port_create(struct host_endpoint *ep, void *arg)
{
	return ep->readable ? shmipc_host_port_create(ep, arg) : -EBADF;
}

static int do_port_destroy(struct host_endpoint *ep, void *arg)
{
	struct shmipc_port_destroy *destroy = arg;

	return ep->readable ? shmipc_host_port_kill(ep, &destroy->out_discarded) : -EBADF;
}

static int do_lookup(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_lookup(ep, arg);
}

static int do_connect(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_endpoint_connect(ep, arg);
}

static int do_send(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_send(ep, arg);
}

static int do_recv(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_recv(ep, arg, false);
}

static int do_sendv(struct host_endpoint *ep, void *argp)
{
	struct shmipc_sendv *arg = argp;
	struct shmipc_send *elems = (void *)(uintptr_t)arg->elems;
	int err = arg->nr && arg->nr <= SHMIPC_BATCH_MAX ? 0 : -EINVAL;

	while (!err && arg->out_done < arg->nr) {
		err = shmipc_host_send(ep, &elems[arg->out_done]);
		arg->out_done += !err;
	}
	arg->out_error = -err;
	return arg->out_done ? 0 : err;
}

static int do_recvv(struct host_endpoint *ep, void *argp)
{
	struct shmipc_recvv *arg = argp;
	struct shmipc_recv *elems = (void *)(uintptr_t)arg->elems;
	int err = arg->nr && arg->nr <= SHMIPC_BATCH_MAX ? 0 : -EINVAL;

	while (!err && arg->out_done < arg->nr) {
		/* Only the first one waits */
		err = shmipc_host_recv(ep, &elems[arg->out_done], arg->out_done);
		arg->out_done += !err;
	}
	arg->out_error = -err;
	return arg->out_done ? 0 : err;
}

static int do_event_mask(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_event_mask(ep, arg);
}

static int do_events(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_event_read(ep, arg);
}

static int do_watch(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_watch(ep, arg);
}

static int do_notify(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_notify(ep, arg);
}

static int do_eventfd(struct host_endpoint *ep, void *arg)
{
	return shmipc_host_eventfd(ep, arg);
}

#define COMMAND(_name, _type, _out, _flags)				\
	[_IOC_NR(SHMIPC_##_name)] = {					\
		.flags = _flags,					\
		.out = offsetof(struct shmipc_##_type, _out),		\
		.size = sizeof(struct shmipc_##_type),			\
		.handler = do_##_type,					\
	}

/* SEND and RECV look at flags and results themselves: vectors have them, too */
static const struct command commands[] = {
	COMMAND(INFO, info, out_features, 0),
	COMMAND(PEERS, peers, out_nr, 0),
	COMMAND(PORTS, ports, out_nr, 0),
	COMMAND(PORT_CREATE, port_create, out_port, PORT_FLAGS),
	COMMAND(PORT_DESTROY, port_destroy, out_discarded, 0),
	COMMAND(LOOKUP, lookup, out_peer, SHMIPC_LOOKUP_WAIT | SHMIPC_LOOKUP_FIRST),
	COMMAND(CONNECT, connect, out_generation, 0),
	COMMAND(SEND, send, out_state, UINT32_MAX),
	COMMAND(RECV, recv, out_len, UINT32_MAX),
	COMMAND(SENDV, sendv, out_done, 0),
	COMMAND(RECVV, recvv, out_done, 0),
	COMMAND(EVENT_MASK, event_mask, out_mask, 0),
	COMMAND(EVENTS, events, out_len, SHMIPC_EVENTS_NOWAIT),
	COMMAND(WATCH, watch, name[SHMIPC_NAME_MAX], SHMIPC_WATCH_REMOVE),
	COMMAND(NOTIFY, notify, out_rung, 0),
	COMMAND(EVENTFD, eventfd, out_reserved, SHMIPC_EVENTFD_REMOVE),
};

static int answer(int err)
{
	if (err >= 0)
		return err;
	errno = -err;
	return -1;
}

static int run(struct host_endpoint *ep, const struct command *cmd, void *arg)
{
	const struct shmipc_port_destroy *head = arg;	/* every struct begins like it */

	memset((u8 *)arg + cmd->out, 0, cmd->size - cmd->out);
	if (ep->region->gone)
		return -ENODEV;
	if (head->flags & ~cmd->flags)
		return -EOPNOTSUPP;
	return cmd->handler(ep, arg);
}

/* In a child of the process that opened it, the lock may be anybody's for ever */
static bool is_child(const struct host_endpoint *ep)
{
	return !__atomic_load_n(ep->region->alive, __ATOMIC_RELAXED);
}

int shmipc_host_command(struct host_endpoint *ep, unsigned int cmd, void *arg)
{
	u32 nr = _IOC_NR(cmd);
	int err;

	if (is_child(ep))
		return answer(-EBADF);
	if (nr >= ARRAY_SIZE(commands) || !commands[nr].handler)
		return answer(-EOPNOTSUPP);
	shmipc_host_lock(ep->region);
	err = run(ep, &commands[nr], arg);
	shmipc_host_unlock(ep->region);
	return answer(err);
}

int shmipc_host_fd(struct host_endpoint *ep)
{
	int fd;

	if (is_child(ep))
		return answer(-EBADF);
	shmipc_host_lock(ep->region);
	fd = shmipc_host_endpoint_fd(ep);
	shmipc_host_unlock(ep->region);
	return answer(fd);
}

static struct host_endpoint *add_endpoint(struct host_region *region, int flags)
{
	struct host_endpoint *ep;

	shmipc_host_lock(region);
	ep = shmipc_host_endpoint_new(region, flags);
	shmipc_host_unlock(region);
	if (!ep)
		errno = ENOMEM;
	return ep;
}

struct host_endpoint *shmipc_host_open(const char *where, int flags)
{
	struct host_endpoint *ep;
	struct host_region *region;

	if (answer(shmipc_host_region_open(where, &region)) < 0)
		return NULL;
	ep = add_endpoint(region, flags);
	if (!ep)
		shmipc_host_region_close(region);
	return ep;
}

struct host_endpoint *shmipc_host_open_beside(struct host_endpoint *ep, int flags)
{
	if (is_child(ep) || ep->region->gone) {
		errno = is_child(ep) ? EBADF : ENODEV;
		return NULL;
	}
	return add_endpoint(ep->region, flags);
}

/* A child gives back memory and descriptors with its last handle, and says nothing */
static void close_in_child(struct host_endpoint *ep)
{
	struct host_region *region = ep->region;

	if (ep->pollfd >= 0)
		close(ep->pollfd);
	if (!--region->endpoints_open)
		shmipc_host_region_forget(region);
}

void shmipc_host_close(struct host_endpoint *ep)
{
	struct host_region *region = ep->region;
	bool last;

	if (is_child(ep)) {
		close_in_child(ep);
		return;
	}
	shmipc_host_lock(region);
	if (region->endpoints_open == 1)
		shmipc_host_region_linger(region);
	shmipc_host_endpoint_free(ep);
	last = !region->endpoints_open;
	shmipc_host_unlock(region);
	if (last)
		shmipc_host_region_close(region);
}
