// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that send each other messages of random sizes, everybody to everybody at
 * once: nothing is lost, doubled, out of order or changed.
 */
#include "host_test.h"

#define PEERS_MOST	4
#define SIZE_MOST	65536u
#define PORT		100	/* of process 0; the next ones follow */

struct head {
	uint32_t from;
	uint32_t seq;
	uint32_t size;
	uint32_t seed;
};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Most are small, some as large as they get */
static uint32_t pick_size(uint32_t *seed)
{
	uint32_t most = next(seed) % 8 ? 512 : SIZE_MOST;

	return sizeof(struct head) + next(seed) % (most - sizeof(struct head) + 1);
}

static void fill(unsigned char *data, uint32_t size, uint32_t seed)
{
	for (uint32_t i = sizeof(struct head); i < size; i++)
		data[i] = next(&seed);
}

static bool is_filled(const unsigned char *data, uint32_t size, uint32_t seed)
{
	for (uint32_t i = sizeof(struct head); i < size; i++)
		if (data[i] != (unsigned char)next(&seed))
			return false;
	return true;
}

struct party {
	const char *where;
	struct shmipc_endpoint *ep;
	uint32_t nr;
	uint32_t me;
	uint32_t messages;	/* to each of the others */
};

static void die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void find(struct party *party, uint32_t who, struct shmipc_address *to)
{
	char name[16];

	snprintf(name, sizeof(name), "party%u", who);
	if (shmipc_lookup(party->ep, SHMIPC_PEER_ANY, name, 0, SOON, to) < 0)
		die("lookup");
}

static void *send_all(void *arg)
{
	struct party *party = arg;
	static unsigned char data[SIZE_MOST];
	struct shmipc_address to[PEERS_MOST];
	uint32_t seed = party->me + 1;

	for (uint32_t who = 0; who < party->nr; who++)
		if (who != party->me)
			find(party, who, &to[who]);
	for (uint32_t seq = 0; seq < party->messages; seq++) {
		for (uint32_t who = 0; who < party->nr; who++) {
			struct head head = { party->me, seq, pick_size(&seed), next(&seed) };

			if (who == party->me)
				continue;
			memcpy(data, &head, sizeof(head));
			fill(data, head.size, head.seed);
			if (shmipc_send(party->ep, &to[who], seq, data, head.size, SOON) < 0)
				die("send");
		}
	}
	return NULL;
}

static void receive_all(struct party *party)
{
	static unsigned char data[SIZE_MOST];
	uint32_t expected[PEERS_MOST] = { 0 };
	struct head head;

	for (uint32_t left = party->messages * (party->nr - 1); left; left--) {
		ssize_t len = shmipc_recv(party->ep, data, sizeof(data), NULL, NULL, SOON);

		if (len < (ssize_t)sizeof(head))
			die("recv");
		memcpy(&head, data, sizeof(head));
		if (head.from >= party->nr || head.size != len ||
		    head.seq != expected[head.from]++ || !is_filled(data, len, head.seed)) {
			fprintf(stderr, "# wrong: from %u seq %u size %u len %zd\n", head.from,
				head.seq, head.size, len);
			_exit(1);
		}
	}
	errno = 0;
	if (shmipc_recv(party->ep, data, sizeof(data), NULL, NULL, BRIEFLY) >= 0)
		die("one too many");
}

/* Who leaves resets its links: say so on @finished, and stay until @done */
static void take_part(struct party *party, int finished, int done)
{
	pthread_t sender;
	char name[16], byte;

	party->ep = must_join(party->where, 0);
	snprintf(name, sizeof(name), "party%u", party->me);
	if (shmipc_port_create(party->ep, PORT + party->me, name) < 0)
		die("create");
	if (pthread_create(&sender, NULL, send_all, party))
		die("thread");
	receive_all(party);
	pthread_join(sender, NULL);
	if (write(finished, "f", 1) != 1 || read(done, &byte, 1) < 0)
		die("wait");
	shmipc_close(party->ep);
	_exit(0);
}

/* How many of @nr parties ended badly */
static int run(const char *where, uint32_t nr, uint32_t messages)
{
	pid_t pids[PEERS_MOST];
	int finished[2], done[2], bad = 0, status;
	uint32_t in = 0;
	char byte;

	if (pipe(finished) < 0 || pipe(done) < 0)
		return -1;
	for (uint32_t me = 0; me < nr; me++) {
		struct party party = { .where = where, .nr = nr, .me = me, .messages = messages };

		pids[me] = fork();
		if (!pids[me]) {
			close(done[1]);
			close(finished[0]);
			take_part(&party, finished[1], done[0]);
		}
	}
	close(done[0]);
	close(finished[1]);
	while (in < nr && read(finished[0], &byte, 1) == 1)
		in++;
	close(done[1]);
	close(finished[0]);
	for (uint32_t me = 0; me < nr; me++) {
		waitpid(pids[me], &status, 0);
		bad += status != 0;
	}
	return bad;
}

static uint32_t how_many(uint32_t usual)
{
	const char *text = getenv("SHMIPC_HOST_MESSAGES");

	return text ? strtoul(text, NULL, 0) : usual;
}

TEST_F(meet, two_processes)
{
	EXPECT_EQ(0, run(self->meet.where, 2, how_many(10000)));
}

TEST_F(meet, four_processes)
{
	EXPECT_EQ(0, run(self->meet.where, 4, how_many(2000)));
}

TEST_HARNESS_MAIN
