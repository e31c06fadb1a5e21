// SPDX-License-Identifier: GPL-2.0
/*
 * ioctl_hammer [--seconds 10] [--threads 8] [--seed 1] [--bind 0]
 *
 * Threads that issue random commands, well formed or not, on a shared set of files of both
 * regions which they also close, open and duplicate under each other's feet. Nothing is
 * expected of a single call but an errno that the header knows; the kernel must survive, and
 * when all files are closed nothing is left. --bind 1 takes the regions away meanwhile.
 *
 * Red when: a race between commands, close and removal corrupts something (the rig finds
 * the splat), leaks a port, hangs a thread, or gives an errno from nowhere.
 */
#include "stress.h"

#define FILES	24
#define BUFFER	(256 << 10)

static unsigned int seconds = 10, threads = 8, seed = 1, binding;
static atomic_int files[FILES];
static atomic_int stop;
static atomic_ullong calls, successes;

static const __u32 numbers[] = {
	0, 1, 2, 3, 8, 16, 24, 56, 63, 64, 65, 72, 100, 101, 104, 144, 256, 1024, 1025, 4095,
	4096, 4097, 49152, 65535, 65536, 1 << 20, (1 << 20) + 1, 16 << 20, 1U << 31, ~0U, ~0U - 1,
};

struct hammer {
	pthread_t thread;
	__u32 state;
	char *buf;
	union {
		struct shmipc_send send[16];
		struct shmipc_recv recv[16];
		char bytes[8192];
	} *elems;
	union {
		struct shmipc_info info;
		struct shmipc_peers peers;
		struct shmipc_ports ports;
		struct shmipc_port_create port_create;
		struct shmipc_port_destroy port_destroy;
		struct shmipc_lookup lookup;
		struct shmipc_connect connect;
		struct shmipc_send send;
		struct shmipc_recv recv;
		struct shmipc_sendv sendv;
		struct shmipc_recvv recvv;
		struct shmipc_event_mask event_mask;
		struct shmipc_events events;
		struct shmipc_watch watch;
		__u32 words[1024];
	} arg;
};

static __u32 pick(struct hammer *h, __u32 below)
{
	return random32(&h->state) % below;
}

static __u32 number(struct hammer *h)
{
	return pick(h, 4) ? numbers[pick(h, ARRAY_SIZE(numbers))] : random32(&h->state);
}

static __s64 soon(struct hammer *h)
{
	return pick(h, 3) ? now_ns() + pick(h, 3000000) : pick(h, 2);
}

static __u32 length(struct hammer *h)
{
	return pick(h, 32) ? pick(h, 600) : pick(h, BUFFER);
}

static __u32 peer(struct hammer *h)
{
	static const __u32 peers[] = { 0, 1, SELF, ANY };

	return peers[pick(h, 64) ? pick(h, 3) : 3];
}

static void name(struct hammer *h, char *out)
{
	snprintf(out, SHMIPC_NAME_MAX, "hammer%u", pick(h, 4));
}

static struct shmipc_send a_send(struct hammer *h)
{
	return send_arg(.peer = peer(h), .port = pick(h, 3) ? 1000 + pick(h, 6) : 0,
			.data = uptr(h->buf), .len = length(h), .priority = pick(h, 8),
			.flags = pick(h, 2), .deadline = soon(h), .cookie = number(h));
}

static struct shmipc_recv a_recv(struct hammer *h)
{
	return recv_arg(.data = uptr(h->buf), .len = pick(h, 4) ? BUFFER : length(h),
			.flags = pick(h, 3) ? pick(h, 2) : pick(h, 8), .deadline = soon(h));
}

/* A command that could well succeed */
static unsigned int compose(struct hammer *h)
{
	unsigned int i, nr = 1 + pick(h, 16);

	switch (pick(h, 20)) {
	case 0:
		h->arg.info = info_arg();
		return SHMIPC_INFO;
	case 1:
		h->arg.peers = peers_arg(.elems = uptr(h->buf), .nr = pick(h, 4));
		return SHMIPC_PEERS;
	case 2:
		h->arg.ports = ports_arg(.elems = uptr(h->buf), .nr = pick(h, 40),
					 .peer = pick(h, 2) ? ANY : peer(h));
		return SHMIPC_PORTS;
	case 3:
	case 4:
		h->arg.port_create = port_create_arg(.port = pick(h, 3) ? 1000 + pick(h, 6) : 0,
						     .depth = pick(h, 20), .flags = pick(h, 8),
						     .bytes = pick(h, 2) ? 0 : length(h));
		if (pick(h, 2))
			name(h, h->arg.port_create.name);
		return SHMIPC_PORT_CREATE;
	case 5:
		h->arg.port_destroy = port_destroy_arg();
		return SHMIPC_PORT_DESTROY;
	case 6:
		h->arg.lookup = lookup_arg(.peer = peer(h), .flags = pick(h, 4),
					   .deadline = soon(h));
		name(h, h->arg.lookup.name);
		return SHMIPC_LOOKUP;
	case 7:
		h->arg.connect = connect_arg(.peer = peer(h), .port = 1000 + pick(h, 6));
		return SHMIPC_CONNECT;
	case 8:
		h->arg.event_mask = event_mask_arg(.mask = pick(h, 32) ? 0xe : 0xe | 1U << 31);
		return SHMIPC_EVENT_MASK;
	case 9:
		h->arg.events = events_arg(.data = uptr(h->buf), .len = length(h),
					   .flags = pick(h, 2), .deadline = soon(h));
		return SHMIPC_EVENTS;
	case 10:
		h->arg.watch = watch_arg(.kind = 1 + pick(h, 4), .peer = peer(h),
					 .port = 1000 + pick(h, 6), .cookie = pick(h, 300),
					 .endpoint = pick(h, 1000), .flags = !pick(h, 4));
		name(h, h->arg.watch.name);
		return SHMIPC_WATCH;
	case 11:
		for (i = 0; i < nr; i++)
			h->elems->send[i] = a_send(h);
		h->arg.sendv = sendv_arg(.elems = uptr(h->elems), .nr = nr);
		return SHMIPC_SENDV;
	case 12:
		for (i = 0; i < nr; i++)
			h->elems->recv[i] = a_recv(h);
		h->arg.recvv = recvv_arg(.elems = uptr(h->elems), .nr = nr);
		return SHMIPC_RECVV;
	case 13:
	case 14:
	case 15:
		h->arg.recv = a_recv(h);
		return SHMIPC_RECV;
	default:
		h->arg.send = a_send(h);
		return SHMIPC_SEND;
	}
}

static bool known(int err)
{
	static const int errors[] = {
		0, ENOTTY, EINVAL, E2BIG, EOPNOTSUPP, EFAULT, EBADF, ENODEV, EHOSTUNREACH, EINTR,
		EISCONN, EADDRINUSE, EEXIST, ENOSPC, EDQUOT, ENOMEM, ENOTCONN, ENOENT, ETIMEDOUT,
		ENOTUNIQ, ECONNREFUSED, ECONNRESET, EAGAIN, EMSGSIZE, EDESTADDRREQ, EHOSTDOWN,
		EPROTO,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == err)
			return true;
	return false;
}

static void hammer_ioctl(struct hammer *h, int fd)
{
	unsigned int cmd = compose(h);
	int ret;

	switch (pick(h, 8)) {
	case 0:		/* spoil a word of the struct */
		h->arg.words[pick(h, 26)] = number(h);
		break;
	case 1:		/* another command's struct */
		cmd = _IO(SHMIPC_IOC_TYPE, pick(h, 16));
		break;
	}
	ret = try_ioctl(fd, cmd, &h->arg);
	if (!known(ret))
		complain("command %#x: %s", cmd, strerror(ret));
	atomic_fetch_add(&calls, 1);
	atomic_fetch_add(&successes, !ret);
}

static int open_some(struct hammer *h)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY,
				     O_RDWR | O_NONBLOCK };

	return open_dev(pick(h, 2), modes[pick(h, ARRAY_SIZE(modes))]);
}

/* Somebody else may be using the file that is closed here: so it shall be */
static void change_file(struct hammer *h, unsigned int nr)
{
	int fd = pick(h, 4) ? open_some(h) : dup(atomic_load(&files[pick(h, FILES)]));

	fd = atomic_exchange(&files[nr], fd);
	if (fd >= 0)
		close(fd);
}

static void *hammer_main(void *data)
{
	struct hammer *h = data;

	while (!atomic_load(&stop)) {
		unsigned int nr = pick(h, FILES);
		int fd = atomic_load(&files[nr]);

		switch (pick(h, 32)) {
		case 0:
			change_file(h, nr);
			break;
		case 1:
			poll_events(fd, pick(h, 3));
			break;
		case 2:
			if (fcntl(fd, F_GETFL) & O_NONBLOCK && read(fd, h->buf, length(h)) < 0 &&
			    !known(errno))
				complain("read: %s", strerror(errno));
			break;
		case 3:
			if (fcntl(fd, F_GETFL) & O_NONBLOCK && write(fd, h->buf, length(h)) < 0 &&
			    !known(errno))
				complain("write: %s", strerror(errno));
			break;
		default:
			hammer_ioctl(h, fd);
		}
	}
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A spoilt deadline may mean for ever: nobody sleeps longer than to the next signal */
static void disturb(struct hammer *h, unsigned int nr)
{
	unsigned int i;

	usleep(20000);
	for (i = 0; i < threads; i++)
		pthread_kill(h[i].thread, SIGUSR1);
	if (binding && nr % 8 == 0) {
		bind_write("unbind", nr / 8 & 1);
		bind_write("bind", nr / 8 & 1);
	}
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "seconds", &seconds }, { "threads", &threads }, { "seed", &seed },
		{ "bind", &binding }, { },
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct hammer *h;
	unsigned int i;
	__s64 until;

	parse_numbers(argc, argv, options);
	stress_begin(1);
	sigaction(SIGUSR1, &action, NULL);
	h = calloc(threads, sizeof(*h));
	for (i = 0; i < FILES; i++)
		atomic_store(&files[i], open_dev(i & 1, O_RDWR));
	for (i = 0; i < threads; i++) {
		h[i].state = seed * 69069 + i + 1;
		h[i].buf = malloc(BUFFER);
		h[i].elems = malloc(sizeof(*h[i].elems));
		pthread_create(&h[i].thread, NULL, hammer_main, &h[i]);
	}
	until = now_ns() + seconds * 1000 * MS;
	for (i = 0; now_ns() < until; i++)
		disturb(h, i);
	atomic_store(&stop, 1);
	for (i = 0; i < threads; i++) {
		struct timespec ts = { .tv_sec = time(NULL) + STALL_S };

		pthread_kill(h[i].thread, SIGUSR1);
		if (pthread_timedjoin_np(h[i].thread, NULL, &ts))
			complain("thread %u hangs", i);
	}
	for (i = 0; i < FILES; i++)
		close(atomic_load(&files[i]));
	if (binding) {
		bind_write("bind", 0);
		bind_write("bind", 1);
	}
	if (!happens(access("/dev/shmipc1", F_OK) == 0))
		complain("a region did not come back");
	expect_quiet();
	ksft_print_msg("%llu calls, %llu succeeded, seed %u\n",
		       (unsigned long long)atomic_load(&calls),
		       (unsigned long long)atomic_load(&successes), seed);
	verdict(binding ? "hammer_and_bind" : "hammer");
	ksft_finished();
}
