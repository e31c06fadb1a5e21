// SPDX-License-Identifier: GPL-2.0
/*
 * plug --cycles N | plug 0 - a device that is unplugged and plugged in again, under load
 *
 * N, on the machine with that device: a receiver blocks on a port, a sender sends to the other machine
 * without pause, until the device goes. Both must be told, the receiver with ENODEV. Somebody reads
 * "plug: in" and unplugs; when both have ended ("plug: out") he plugs in another.
 *
 * 0, on the other machine: sends to whoever has the name "plug", without pause, and receives what comes
 * from there, until it is told that this was the last cycle.
 *
 * Red when: somebody sleeps on, or is told something else; the device does not come back; the machine
 * has less memory after many cycles than after a few.
 */
#include "memory.h"
#include "stress.h"

#define PORT_THERE	500	/* of the machine that is plugged */
#define PORT_BACK	501
#define TYPE_END	1
#define SETTLED		5	/* cycles; what the kernel keeps for itself it has by then */
#define GROWTH_KIB	512

static unsigned int cycles;

static int post(int fd, const char *name, __u32 type)
{
	struct shmipc_lookup where = lookup_arg(.peer = ANY, .flags = SHMIPC_LOOKUP_FIRST);
	char text[3000] = "";
	int ret;

	strcpy(where.name, name);
	ret = try_lookup(fd, &where);
	if (ret)
		return ret;
	return try_send(fd, &send_arg(.peer = where.out_peer, .port = where.out_port, .type = type,
				      .data = uptr(text), .len = sizeof(text),
				      .deadline = now_ns() + 1000 * MS));
}

/* Until the device is gone; returns how it ended */
static void *receiver(void *data)
{
	int fd = *(int *)data, ret;
	char buf[4096];

	do
		ret = try_recv(fd, &recv_arg(.data = uptr(buf), .len = sizeof(buf)));
	while (!ret);
	return (void *)(intptr_t)ret;
}

static void cycle(unsigned int nr)
{
	pthread_t thread;
	unsigned int sent = 0;
	int fd, port, ret;
	void *end;

	if (!happens((fd = open_dev(0, O_RDWR)) >= 0)) {
		complain("cycle %u: no device", nr);
		return;
	}
	port = open_dev(0, O_RDWR);
	ret = try_port_create(port, &port_create_arg(.port = PORT_THERE, .name = "plug"));
	if (ret)
		complain("cycle %u: port: %s", nr, strerror(ret));
	pthread_create(&thread, NULL, receiver, &port);
	/* The other side is there, and our link to it up */
	if (!happens(!post(fd, "plug.back", 0)))
		complain("cycle %u: nobody is there", nr);
	printf("# plug: in %u.\n", nr);
	fflush(stdout);
	if (!happens((ret = post(fd, "plug.back", 0), sent += !ret, ret == ENODEV)))
		complain("cycle %u: the sender was told: %s", nr, strerror(ret));
	pthread_join(thread, &end);
	if ((intptr_t)end != ENODEV)
		complain("cycle %u: the receiver was told: %s", nr, strerror((intptr_t)end));
	close(fd);
	close(port);
	printf("# plug: out %u, %u sent\n", nr, sent);
	fflush(stdout);
}

static void plugged(void)
{
	long before = 0, after;
	unsigned int nr;
	int fd = -1;

	for (nr = 0; nr < cycles && !atomic_load(&complaints->count); nr++) {
		cycle(nr);
		if (nr == SETTLED)
			before = settled();
	}
	after = settled();
	printf("# plug: SUnreclaim: %ld KiB after %u cycles, %ld KiB after %u\n", before, SETTLED,
	       after, cycles);
	if (cycles > SETTLED && after > before + GROWTH_KIB)
		complain("memory is lost");
	if (!happens((fd = open_dev(0, O_RDWR)) >= 0 && !post(fd, "plug.back", TYPE_END)))
		complain("the device does not come back");
	sleep(1);	/* it is to be read before we go */
}

static void *other_sender(void *stop)
{
	int fd = open_dev(0, O_RDWR);

	/* Whatever comes of it: the port is there for moments only */
	while (!atomic_load((atomic_bool *)stop))
		if (post(fd, "plug", 0))
			pause_1ms();
	close(fd);
	return NULL;
}

static void other(void)
{
	int fd = open_dev(0, O_RDWR), ret;
	static atomic_bool stop;
	unsigned long got = 0;
	pthread_t thread;
	char buf[4096];

	if (try_port_create(fd, &port_create_arg(.port = PORT_BACK, .name = "plug.back")))
		ksft_exit_fail_msg("no port\n");
	pthread_create(&thread, NULL, other_sender, &stop);
	for (;; got++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = sizeof(buf),
						  .deadline = now_ns() + STALL_S * 1000 * MS);

		ret = try_recv(fd, &arg);
		if (ret || arg.out_type == TYPE_END)
			break;
	}
	if (ret)
		complain("nothing came any more: %s", strerror(ret));
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	printf("# plug: %lu received\n", got);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = { { "cycles", &cycles }, { } };

	parse_numbers(argc, argv, options);
	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	ksft_set_plan(1);
	if (cycles)
		plugged();
	else
		other();
	verdict("plug");
	ksft_finished();
}
