// SPDX-License-Identifier: GPL-2.0
/*
 * bigmsg [--messages 40] [--senders 3]
 *
 * Messages of 1 MiB, many times larger than a lane, from several senders on each region to
 * a port on the other one, both ways at once; sleeping and not. Small ones go in between.
 *
 * Red when: streams of several senders mix, block each other for ever (also crosswise),
 * are cut or change places; a sender that does not sleep never gets through.
 */
#include "stress.h"

#define PORT		300
#define MAX_SENDERS	16
#define BIG		(1U << 20)

static unsigned int messages = 40, senders = 3;

struct head {
	__u32 sender;
	__u32 nr;
	__u32 len;
};

static unsigned int length(unsigned int sender, unsigned int nr)
{
	return nr % 4 == 3 ? 16 + nr : BIG - (sender * 977 + nr * 13) % 5000;
}

static int send_one(int fd, const char *buf, unsigned int len, bool sleep)
{
	struct shmipc_send arg = send_arg(.data = uptr(buf), .len = len,
					  .flags = sleep ? 0 : SHMIPC_SEND_NOWAIT);
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int ret;

	while ((ret = try_send(fd, &arg)) == EAGAIN && !sleep)
		if (poll(&pfd, 1, STALL_S * 1000) != 1)
			return ETIMEDOUT;
	return ret;
}

static int sender_main(unsigned int dev, unsigned int sender)
{
	int fd = open_dev(dev, O_RDWR), ret;
	char *buf = malloc(BIG);
	unsigned int nr;

	ret = fd < 0 ? errno : try_connect(fd, &connect_arg(.peer = !dev, .port = PORT));
	for (nr = 0; nr < messages && !ret; nr++) {
		struct head head = { .sender = sender, .nr = nr, .len = length(sender, nr) };

		memcpy(buf, &head, sizeof(head));
		fill(buf + sizeof(head), head.len - sizeof(head), sender * 1000 + nr);
		ret = send_one(fd, buf, head.len, sender & 1);
	}
	if (ret)
		complain("region %u, sender %u, message %u: %s", dev, sender, nr, strerror(ret));
	return !!ret;
}

static int receiver_main(unsigned int dev, int fd)
{
	unsigned int next[MAX_SENDERS] = { }, got;
	char *buf = malloc(BIG);

	for (got = 0; got < messages * senders; got++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = BIG,
						  .deadline = now_ns() + STALL_S * 1000 * MS);
		int ret = try_recv(fd, &arg);
		struct head head;

		if (ret) {
			complain("region %u: %s after %u messages", dev, strerror(ret), got);
			return 1;
		}
		memcpy(&head, buf, sizeof(head));
		if (head.sender >= senders || head.len != arg.out_len) {
			complain("region %u: a message of %u bytes", dev, arg.out_len);
			return 1;
		}
		if (head.nr != next[head.sender]++)
			complain("region %u: %u from sender %u, expected %u", dev, head.nr,
				 head.sender, next[head.sender] - 1);
		if (!filled(buf + sizeof(head), head.len - sizeof(head),
			    head.sender * 1000 + head.nr))
			complain("region %u: content of %u from sender %u", dev, head.nr,
				 head.sender);
	}
	return 0;
}

static void both_ways(const char *name, unsigned int bytes)
{
	pid_t pid[2][MAX_SENDERS + 1];
	unsigned int dev, i;

	for (dev = 0; dev < 2; dev++) {
		int fd = open_dev(dev, O_RDWR), ret;

		ret = try_port_create(fd, &port_create_arg(.port = PORT, .max_size = BIG,
							   .bytes = bytes));
		if (ret)
			complain("port on region %u: %s", dev, strerror(ret));
		pid[dev][senders] = child();
		if (!pid[dev][senders])
			_exit(receiver_main(dev, fd));
		close(fd);
	}
	for (dev = 0; dev < 2; dev++) {
		for (i = 0; i < senders; i++) {
			pid[dev][i] = child();
			if (!pid[dev][i])
				_exit(sender_main(dev, i));
		}
	}
	for (dev = 0; dev < 2; dev++)
		for (i = 0; i <= senders; i++)
			reap(pid[dev][i], i < senders ? "sender" : "receiver");
	expect_quiet();
	verdict(name);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "messages", &messages }, { "senders", &senders }, { },
	};

	parse_numbers(argc, argv, options);
	if (!senders || senders > MAX_SENDERS)
		ksft_exit_fail_msg("1 to %u senders\n", MAX_SENDERS);
	stress_begin(2);
	both_ways("window_of_several", 8 << 20);
	both_ways("window_of_one", 1 << 20);
	ksft_finished();
}
