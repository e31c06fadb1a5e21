/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of chardev_test.c: for each command how it succeeds (@good prepares the state
 * and the argument), how it fails for the endpoint's state (@bad returns the errno), and
 * where its fields are.
 */
#ifndef SHMIPC_CHARDEV_ROWS_H
#define SHMIPC_CHARDEV_ROWS_H

#define SIZE_MAX_ARG	256
#define ABI_PAYLOAD	100

/* Pages of self->map */
enum {
	READONLY	= 2,
	HOLE		= 4,		/* pages 0 to 3 are there, 4 is not */
	PAGES		= 5,
};

/* fd is under test, other is somebody of the same peer that owns a port */
FIXTURE(abi)
{
	int fd;
	int other;
	__u32 port;
	int bell;
	size_t page;
	void *map;
	__u64 cookie;
	char buf[4096];
	union {
		struct shmipc_send send;
		struct shmipc_recv recv;
	} elem;
};

FIXTURE_VARIANT(abi)
{
	unsigned int cmd;
	size_t size;
	size_t out;		/* results go from here to the end */
	size_t zero;		/* a result that is always 0, or 0 */
	size_t reserved;	/* a field that must be 0, or 0 */
	size_t data;		/* a pointer, or 0 */
	__u32 flags;		/* known ones */
	int needs;		/* O_RDONLY: reading, O_WRONLY: writing, O_RDWR: any, -1: skip */
	bool fails_with_result;
	int (*good)(FIXTURE_DATA(abi) *self, void *arg);
	int (*bad)(FIXTURE_DATA(abi) *self, void *arg);
	bool (*untouched)(FIXTURE_DATA(abi) *self);
};

FIXTURE_SETUP(abi)
{
	struct shmipc_port_create own = port_create_arg(.depth = 4096, .bytes = 1 << 20,
							.name = "abi.name");

	self->fd = open_dev(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->other = open_dev(0, O_RDWR);
	ASSERT_LE(0, self->other);
	must_port_create(self->other, &own);
	self->port = own.out_port;
	self->page = sysconf(_SC_PAGESIZE);
	self->map = mmap(NULL, PAGES * self->page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->bell);
	ASSERT_EQ(0, munmap(self->map + HOLE * self->page, self->page));
}

FIXTURE_TEARDOWN(abi)
{
	close(self->fd);
	close(self->other);
	close(self->bell);
}

static int good_info(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_info *)arg = info_arg();
	return 0;
}

static int good_peers(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_peers *)arg = peers_arg(.elems = uptr(self->buf), .nr = 2);
	return 0;
}

static int good_ports(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_ports *)arg = ports_arg(.elems = uptr(self->buf), .nr = 4, .peer = SELF);
	return 0;
}

static int drop_port(FIXTURE_DATA(abi) *self)
{
	int ret = try_destroy(self->fd);

	return ret == ENOTCONN ? 0 : ret;
}

static int have_port(FIXTURE_DATA(abi) *self)
{
	int ret = try_port_create(self->fd, &port_create_arg(.port = 77));

	return ret == EISCONN ? 0 : ret;
}

static int good_port_create(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_port_create *)arg = port_create_arg();
	return drop_port(self);
}

static int bad_port_create(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_port_create *)arg = port_create_arg(.out_port = 9, .out_generation = 9);
	return have_port(self) ? -1 : EISCONN;
}

static bool untouched_port_create(FIXTURE_DATA(abi) *self)
{
	return try_destroy(self->fd) == ENOTCONN;
}

static int good_port_destroy(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_port_destroy *)arg = port_destroy_arg();
	return have_port(self);
}

static int bad_port_destroy(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_port_destroy *)arg = port_destroy_arg(.out_discarded = 9);
	return drop_port(self) ? -1 : ENOTCONN;
}

static bool untouched_port_destroy(FIXTURE_DATA(abi) *self)
{
	return try_destroy(self->fd) == 0;
}

static int good_lookup(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_lookup *)arg = lookup_arg(.peer = SELF, .name = "abi.name");
	return 0;
}

static int bad_lookup(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_lookup *)arg = lookup_arg(.peer = SELF, .name = "abi.nobody",
						  .out_peer = 9, .out_port = 9);
	return ENOENT;
}

static int good_connect(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_connect *)arg = connect_arg(.peer = SELF, .port = self->port);
	return 0;
}

static int bad_connect(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_connect *)arg = connect_arg(.peer = SELF, .port = 999,
						    .out_generation = 9);
	return ECONNREFUSED;
}

static bool untouched_connect(FIXTURE_DATA(abi) *self)
{
	return write(self->fd, "x", 1) == -1 && errno == EDESTADDRREQ;
}

static int good_send(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_send *)arg = send_arg(.peer = SELF, .port = self->port, .len = ABI_PAYLOAD,
					      .data = uptr(self->buf));
	return 0;
}

static int bad_send(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_send *)arg = send_arg(.len = ABI_PAYLOAD, .data = uptr(self->buf),
					      .out_state = SHMIPC_STATE_QUEUED);
	return EDESTADDRREQ;
}

static bool untouched_send(FIXTURE_DATA(abi) *self)
{
	return port_queued(self->other, SELF, self->port) == 0;
}

static int have_message(FIXTURE_DATA(abi) *self)
{
	int ret = have_port(self);

	if (ret)
		return ret;
	ret = try_send_now(self->other, SELF, 77, self->buf, ABI_PAYLOAD);
	return ret == EAGAIN ? 0 : ret;
}

static int good_recv(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_recv *)arg = recv_arg(.data = uptr(self->buf), .len = sizeof(self->buf));
	return have_message(self);
}

static int bad_recv(FIXTURE_DATA(abi) *self, void *arg)
{
	good_recv(self, arg);
	return drop_port(self) ? -1 : ENOTCONN;
}

static bool untouched_recv(FIXTURE_DATA(abi) *self)
{
	return port_queued(self->fd, SELF, 77) == 1;
}

static int good_sendv(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_sendv *)arg = sendv_arg(.elems = uptr(&self->elem), .nr = 1);
	return good_send(self, &self->elem);
}

static int bad_sendv(FIXTURE_DATA(abi) *self, void *arg)
{
	good_sendv(self, arg);
	return bad_send(self, &self->elem);
}

static int good_recvv(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_recvv *)arg = recvv_arg(.elems = uptr(&self->elem), .nr = 1);
	return good_recv(self, &self->elem);
}

static int bad_recvv(FIXTURE_DATA(abi) *self, void *arg)
{
	good_recvv(self, arg);
	return drop_port(self) ? -1 : ENOTCONN;
}

static int good_event_mask(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_event_mask *)arg =
		event_mask_arg(.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN));
	return 0;
}

static int bad_event_mask(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_event_mask *)arg = event_mask_arg(.mask = SHMIPC_MASK_READ);
	return have_port(self) ? -1 : EISCONN;
}

/* A port that does not exist is gone at once: one event */
static int good_events(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_events *)arg = events_arg(.data = uptr(self->buf),
						  .len = sizeof(self->buf));
	return try_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = SELF,
					      .port = 999, .cookie = ++self->cookie));
}

static int bad_events(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_events *)arg = events_arg(.data = uptr(self->buf), .out_nr = 9,
						  .len = sizeof(self->buf),
						  .flags = SHMIPC_EVENTS_NOWAIT);
	return EAGAIN;
}

static bool untouched_events(FIXTURE_DATA(abi) *self)
{
	return poll_events(self->fd, 0) & POLLPRI;
}

static int good_watch(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_watch *)arg = watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = SELF,
						.port = self->port, .cookie = ++self->cookie);
	return 0;
}

static int bad_watch(FIXTURE_DATA(abi) *self, void *arg)
{
	good_watch(self, arg);
	return try_watch(self->fd, arg) ? -1 : EEXIST;
}

static int good_notify(FIXTURE_DATA(abi) *self, void *arg)
{
	*(struct shmipc_notify *)arg = notify_arg(.peer = SELF, .vector = 7);
	return try_event_mask(self->fd, &event_mask_arg(
		.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)));
}

/* A slot that the loopback transport does not have */
static int bad_notify(FIXTURE_DATA(abi) *self, void *arg)
{
	(void)self;
	*(struct shmipc_notify *)arg = notify_arg(.peer = 63, .out_rung = 9);
	return EHOSTUNREACH;
}

static bool untouched_notify(FIXTURE_DATA(abi) *self)
{
	return !(poll_events(self->fd, 0) & POLLPRI);
}

/* A binding more than once is an error: each call gets rid of the one before */
static int good_eventfd(FIXTURE_DATA(abi) *self, void *arg)
{
	struct shmipc_eventfd *bind = arg;

	*bind = eventfd_arg(.fd = self->bell, .peer = ANY, .vector = 3,
			    .flags = SHMIPC_EVENTFD_REMOVE);
	try_eventfd(self->fd, bind);
	bind->flags = 0;
	return 0;
}

static int bad_eventfd(FIXTURE_DATA(abi) *self, void *arg)
{
	good_eventfd(self, arg);
	((struct shmipc_eventfd *)arg)->flags = SHMIPC_EVENTFD_REMOVE;
	return ENOENT;
}

/* It could be bound, so it was not */
static bool untouched_eventfd(FIXTURE_DATA(abi) *self)
{
	return !try_eventfd(self->fd, &eventfd_arg(.fd = self->bell, .peer = ANY, .vector = 3));
}

#define ROW(verb, nr, first_out, ...) \
	FIXTURE_VARIANT_ADD(abi, verb) { \
		.cmd = nr, .size = sizeof(struct shmipc_##verb), .good = good_##verb, \
		.out = offsetof(struct shmipc_##verb, first_out), __VA_ARGS__ \
	}
#define AT(verb, field)		offsetof(struct shmipc_##verb, field)

ROW(info, SHMIPC_INFO, out_features, .zero = AT(info, out_reserved), .needs = O_RDWR);
ROW(peers, SHMIPC_PEERS, out_nr, .data = AT(peers, elems), .needs = O_RDWR);
ROW(ports, SHMIPC_PORTS, out_nr, .data = AT(ports, elems), .needs = O_RDWR,
	.reserved = AT(ports, reserved));
ROW(port_create, SHMIPC_PORT_CREATE, out_port, .needs = O_RDONLY, .bad = bad_port_create,
	.untouched = untouched_port_create,
	.flags = SHMIPC_PORT_TOTAL_DEPTH | SHMIPC_PORT_LOCAL | SHMIPC_PORT_META);
ROW(port_destroy, SHMIPC_PORT_DESTROY, out_discarded, .zero = AT(port_destroy, out_reserved),
	.needs = O_RDONLY, .bad = bad_port_destroy, .untouched = untouched_port_destroy);
ROW(lookup, SHMIPC_LOOKUP, out_peer, .zero = AT(lookup, out_reserved), .needs = O_RDWR,
	.reserved = AT(lookup, reserved), .bad = bad_lookup,
	.flags = SHMIPC_LOOKUP_WAIT | SHMIPC_LOOKUP_FIRST);
ROW(connect, SHMIPC_CONNECT, out_generation, .zero = AT(connect, out_reserved),
	.needs = O_WRONLY, .bad = bad_connect, .untouched = untouched_connect);
ROW(send, SHMIPC_SEND, out_state, .zero = AT(send, out_reserved), .needs = O_WRONLY,
	.data = AT(send, data), .bad = bad_send, .untouched = untouched_send,
	.flags = SHMIPC_SEND_NOWAIT);
ROW(recv, SHMIPC_RECV, out_len, .needs = O_RDONLY, .data = AT(recv, data), .bad = bad_recv,
	.reserved = AT(recv, reserved), .untouched = untouched_recv,
	.flags = SHMIPC_RECV_NOWAIT | SHMIPC_RECV_PEEK | SHMIPC_RECV_DISCARD);
ROW(sendv, SHMIPC_SENDV, out_done, .needs = O_WRONLY, .data = AT(sendv, elems),
	.bad = bad_sendv, .untouched = untouched_send, .fails_with_result = true);
ROW(recvv, SHMIPC_RECVV, out_done, .needs = O_RDONLY, .data = AT(recvv, elems),
	.bad = bad_recvv, .untouched = untouched_recv, .fails_with_result = true);
ROW(event_mask, SHMIPC_EVENT_MASK, out_mask, .needs = -1, .bad = bad_event_mask);
ROW(events, SHMIPC_EVENTS, out_len, .needs = O_RDONLY, .data = AT(events, data),
	.bad = bad_events, .reserved = AT(events, reserved), .untouched = untouched_events,
	.flags = SHMIPC_EVENTS_NOWAIT);
ROW(watch, SHMIPC_WATCH, name[SHMIPC_NAME_MAX], .needs = -1, .bad = bad_watch,
	.flags = SHMIPC_WATCH_REMOVE);
ROW(notify, SHMIPC_NOTIFY, out_rung, .zero = AT(notify, out_reserved), .needs = O_WRONLY,
	.bad = bad_notify, .untouched = untouched_notify);
ROW(eventfd, SHMIPC_EVENTFD, out_reserved, .zero = AT(eventfd, out_reserved),
	.needs = O_RDONLY, .bad = bad_eventfd, .untouched = untouched_eventfd,
	.flags = SHMIPC_EVENTFD_REMOVE);

#endif /* SHMIPC_CHARDEV_ROWS_H */
