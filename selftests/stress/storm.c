// SPDX-License-Identifier: GPL-2.0
/*
 * storm [--senders 8] [--receivers 4] [--messages 100000] [--seed 1]
 *
 * Many processes send to one port, several threads receive from it. Every message must
 * arrive once, whole, and in the order of its sender. The order of arrival is out_seq,
 * whichever thread took the message.
 *
 *	local	senders on the port's own region		direct path
 *	cross	senders on the other region			engine
 *	mixed	half and half
 *
 * Red when: a message is lost or doubled when several threads or processes compete; a
 * wake-up is lost (hang); a batch is sent twice or cut; contents mix.
 */
#include "stress.h"

#define PORT		100
#define MAX_SENDERS	64
#define MAX_RECEIVERS	32
#define MAX_LEN		65536

static unsigned int senders = 8, receivers = 4, messages = 100000, seed = 1;

/* What a payload begins with */
struct head {
	__u32 sender;
	__u32 nr;
	__u32 len;
};

/* By out_seq: who sent it, and its number there, plus 1 */
struct seen {
	atomic_uint sender;
	atomic_uint nr;
};

static struct seen *seen;
static atomic_uint received;

static unsigned int share(unsigned int sender)
{
	return messages / senders + (sender < messages % senders);
}

/* Mostly small; now and then one that is split on its way */
static unsigned int length(__u32 *state)
{
	__u32 random = random32(state);

	if (random % 500 == 0)
		return sizeof(struct head) + random32(state) % (MAX_LEN - sizeof(struct head));
	if (random % 16 == 0)
		return sizeof(struct head) + random32(state) % 4096;
	return sizeof(struct head) + random32(state) % 200;
}

static unsigned int compose(char *buf, unsigned int sender, unsigned int nr, __u32 *state)
{
	struct head head = { .sender = sender, .nr = nr, .len = length(state) };

	memcpy(buf, &head, sizeof(head));
	fill(buf + sizeof(head), head.len - sizeof(head), sender * 7919 + nr);
	return head.len;
}

static void send_wait_for_room(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pfd, 1, STALL_S * 1000) != 1)
		complain("no room for %u s", STALL_S);
}

/* Each sender has its way: 0 blocks, 1 sends batches, 2 polls for room, 3 writes */
static void send_one(int fd, __u32 peer, char *buf, unsigned int sender, unsigned int len,
		     unsigned int nr)
{
	struct shmipc_send arg = send_arg(.peer = peer, .port = PORT, .data = uptr(buf),
					  .len = len, .type = nr);
	int ret;

	if (sender % 4 == 3) {
		ret = write(fd, buf, len) == (ssize_t)len ? 0 : errno;
	} else if (sender % 4 == 2) {
		arg.flags = SHMIPC_SEND_NOWAIT;
		arg.port = SHMIPC_PORT_NONE;
		while ((ret = try_send(fd, &arg)) == EAGAIN)
			send_wait_for_room(fd);
	} else {
		ret = try_send(fd, &arg);
	}
	if (ret)
		complain("sender %u, message %u: %s", sender, nr, strerror(ret));
}

static void send_batch(int fd, __u32 peer, char *buf, unsigned int sender, unsigned int *nr,
		       __u32 *state)
{
	struct shmipc_send elems[16];
	struct shmipc_sendv arg = sendv_arg(.elems = uptr(elems));
	unsigned int i, done;

	for (i = 0; i < ARRAY_SIZE(elems) && *nr + i < share(sender); i++)
		elems[i] = send_arg(.peer = peer, .port = PORT, .data = uptr(buf + i * MAX_LEN),
				    .len = compose(buf + i * MAX_LEN, sender, *nr + i, state));
	for (done = 0; done < i; done += arg.out_done) {
		int ret;

		arg.elems = uptr(elems + done);
		arg.nr = i - done;
		ret = try_sendv(fd, &arg);
		if (ret) {
			complain("sender %u, batch at %u: %s", sender, *nr, strerror(ret));
			break;
		}
	}
	*nr += i;
}

static int sender_main(unsigned int dev, __u32 peer, unsigned int sender)
{
	__u32 state = seed * 2654435761U + sender + 1;
	char *buf = malloc(16 * MAX_LEN);
	unsigned int nr = 0;
	int fd = open_dev(dev, O_WRONLY);

	if (fd < 0 || !buf || try_connect(fd, &connect_arg(.peer = peer, .port = PORT))) {
		complain("sender %u cannot begin: %s", sender, strerror(errno));
		return 1;
	}
	while (nr < share(sender)) {
		if (sender % 4 == 1) {
			send_batch(fd, peer, buf, sender, &nr, &state);
		} else {
			send_one(fd, peer, buf, sender, compose(buf, sender, nr, &state), nr);
			nr++;
		}
	}
	return 0;
}

static void check(const struct shmipc_recv *arg, const char *buf)
{
	struct head head;

	memcpy(&head, buf, sizeof(head));
	if (arg->out_len < sizeof(head) || arg->out_len != head.len || head.sender >= senders ||
	    head.nr >= share(head.sender)) {
		complain("message %llu is not one of ours", (unsigned long long)arg->out_seq);
		return;
	}
	if (!filled(buf + sizeof(head), head.len - sizeof(head), head.sender * 7919 + head.nr))
		complain("sender %u, message %u: content", head.sender, head.nr);
	if (!arg->out_seq || arg->out_seq > messages) {
		complain("sequence number %llu", (unsigned long long)arg->out_seq);
		return;
	}
	if (atomic_exchange(&seen[arg->out_seq].nr, head.nr + 1))
		complain("sequence number %llu twice", (unsigned long long)arg->out_seq);
	atomic_store(&seen[arg->out_seq].sender, head.sender);
	atomic_fetch_add(&received, 1);
}

struct receiver {
	pthread_t thread;
	int fd;
	unsigned int way;	/* 0 blocks, 1 receives batches, 2 polls, 3 has deadlines */
};

static int receive_batch(int fd, char *buf)
{
	struct shmipc_recv elems[16];
	struct shmipc_recvv arg = recvv_arg(.elems = uptr(elems), .nr = ARRAY_SIZE(elems));
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(elems); i++)
		elems[i] = recv_arg(.data = uptr(buf + i * MAX_LEN), .len = MAX_LEN);
	ret = try_recvv(fd, &arg);
	for (i = 0; !ret && i < arg.out_done; i++)
		check(&elems[i], buf + i * MAX_LEN);
	return ret;
}

static void *receiver_main(void *data)
{
	struct receiver *rx = data;
	char *buf = malloc(16 * MAX_LEN);
	int ret;

	do {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = MAX_LEN);
		struct pollfd pfd = { .fd = rx->fd, .events = POLLIN };

		if (rx->way == 1) {
			ret = receive_batch(rx->fd, buf);
			continue;
		}
		if (rx->way == 2)
			arg.flags = SHMIPC_RECV_NOWAIT;
		if (rx->way == 3)
			arg.deadline = now_ns() + 5 * MS;
		ret = try_recv(rx->fd, &arg);
		if (!ret)
			check(&arg, buf);
		else if (ret == EAGAIN && rx->way == 2)
			ret = poll(&pfd, 1, 100) < 0 ? errno : 0;
		else if (ret == ETIMEDOUT && rx->way == 3)
			ret = 0;
	} while (!ret);
	if (ret != ENOTCONN)
		complain("receiver: %s", strerror(ret));
	free(buf);
	return NULL;
}

/* Everything there, once, in each sender's order */
static void check_all(void)
{
	unsigned int *next = calloc(senders, sizeof(*next)), i;

	if (atomic_load(&received) != messages)
		complain("%u of %u messages", atomic_load(&received), messages);
	for (i = 1; i <= messages; i++) {
		unsigned int nr = atomic_load(&seen[i].nr), sender = atomic_load(&seen[i].sender);

		if (!nr)
			complain("number %u is missing", i);
		else if (nr - 1 != next[sender]++)
			complain("sender %u: message %u came as number %u", sender, nr - 1,
				 next[sender] - 1);
	}
	free(next);
}

static void wait_for_all(void)
{
	unsigned int last = 0, idle = 0;

	while (atomic_load(&received) < messages && idle < STALL_S * 1000) {
		unsigned int now = atomic_load(&received);

		idle = now == last ? idle + 1 : 0;
		last = now;
		if (atomic_load(&complaints->count))
			idle += 50;
		pause_1ms();
	}
}

static void storm(const char *name, unsigned int far)
{
	struct receiver rx[MAX_RECEIVERS];
	pid_t pid[MAX_SENDERS];
	int fd = open_dev(1, O_RDWR);
	unsigned int i;
	__s64 begin = now_ns();

	memset(seen, 0, (messages + 1) * sizeof(*seen));
	atomic_store(&received, 0);
	if (try_port_create(fd, &port_create_arg(.port = PORT, .depth = 64)))
		ksft_exit_fail_msg("no port: %s\n", strerror(errno));
	for (i = 0; i < senders; i++) {
		unsigned int dev = i < far ? 0 : 1;

		pid[i] = child();
		if (!pid[i])
			_exit(sender_main(dev, 1, i));
	}
	for (i = 0; i < receivers; i++) {
		rx[i] = (struct receiver){ .fd = fd, .way = i % 4 };
		pthread_create(&rx[i].thread, NULL, receiver_main, &rx[i]);
	}
	wait_for_all();
	for (i = 0; i < senders; i++)
		reap(pid[i], "sender");
	if (try_destroy(fd))
		complain("destroy: %s", strerror(errno));
	for (i = 0; i < receivers; i++)
		pthread_join(rx[i].thread, NULL);
	check_all();
	close(fd);
	expect_quiet();
	ksft_print_msg("%s: %u messages, %u senders, %u receivers: %lld ms\n", name, messages,
		       senders, receivers, (long long)(now_ns() - begin) / MS);
	verdict(name);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "senders", &senders }, { "receivers", &receivers },
		{ "messages", &messages }, { "seed", &seed }, { },
	};

	parse_numbers(argc, argv, options);
	if (!senders || senders > MAX_SENDERS || !receivers || receivers > MAX_RECEIVERS)
		ksft_exit_fail_msg("1 to %u senders, 1 to %u receivers\n", MAX_SENDERS,
				   MAX_RECEIVERS);
	stress_begin(3);
	seen = calloc(messages + 1, sizeof(*seen));
	storm("local", 0);
	storm("cross", senders);
	storm("mixed", senders / 2);
	ksft_finished();
}
