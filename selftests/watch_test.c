// SPDX-License-Identifier: GPL-2.0
/*
 * driver/watch.c: WATCH, each kind. Exactly one answer, also to what is gone already.
 *
 * Red when: an answer is missing or comes twice; a watch fires for another port, generation,
 * endpoint or name; REMOVE does not; a limit is off by one; a closed endpoint's watches
 * are answered.
 */
#include "shmipc_bind.h"

FIXTURE(watch)
{
	int fd;		/* who watches: peer 0 */
	int target;	/* what is watched: peer 0 or 1 */
	__u32 peer;
	struct shmipc_event event;
};

FIXTURE_VARIANT(watch)
{
	unsigned int dev;
};

FIXTURE_VARIANT_ADD(watch, near)
{
	.dev = 0,
};

FIXTURE_VARIANT_ADD(watch, far)
{
	.dev = 1,
};

FIXTURE_SETUP(watch)
{
	int other;

	ASSERT_TRUE(both_there(&self->fd, &other));
	self->target = variant->dev ? other : open_dev(0, O_RDWR);
	self->peer = variant->dev ? 1 : SELF;
}

FIXTURE_TEARDOWN(watch)
{
	close(self->fd);
	close(self->target);
}

#define on_port(...) \
	watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = self->peer, .port = 100, __VA_ARGS__)
#define on_name(...) \
	watch_arg(.kind = SHMIPC_WATCH_NAME, .peer = self->peer, .name = "wanted", __VA_ARGS__)

static int try_event(FIXTURE_DATA(watch) *self, __u32 flags)
{
	return try_events(self->fd, &events_arg(.data = uptr(&self->event), .flags = flags,
						.len = sizeof(self->event)));
}

#define must_event()	ASSERT_EQ(0, try_event(self, 0))
#define no_event()	EXPECT_EQ(EAGAIN, try_event(self, SHMIPC_EVENTS_NOWAIT))

TEST_F(watch, port)
{
	struct shmipc_port_create own = port_create_arg(.port = 100);

	must_port_create(self->target, &own);
	must_watch(self->fd, &on_port(.cookie = 0x1122334455667788ULL));
	must_watch(self->fd, &on_port(.cookie = 2, .generation = own.out_generation));
	no_event();
	must_destroy(self->target);
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
	EXPECT_EQ(own_peer(self->target), self->event.peer);
	EXPECT_EQ(100, self->event.port);
	EXPECT_EQ(own.out_generation, self->event.generation);
	EXPECT_TRUE(self->event.cookie == 2 || self->event.cookie == 0x1122334455667788ULL);
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
	no_event();
	/* the successor's end is no affair of theirs */
	must_port_create(self->target, &own);
	must_destroy(self->target);
	no_event();
}

TEST_F(watch, port_of_a_file_that_closes)
{
	int fd = open_dev(variant->dev, O_RDWR);

	must_port_create(fd, &port_create_arg(.port = 100));
	must_watch(self->fd, &on_port(.cookie = 1));
	close(fd);
	must_event();
	EXPECT_EQ(1, self->event.cookie);
	no_event();
}

TEST_F(watch, port_gone_already)
{
	struct shmipc_port_create own = port_create_arg(.port = 100);

	must_watch(self->fd, &on_port(.cookie = 1));
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
	EXPECT_EQ(1, self->event.cookie);
	must_port_create(self->target, &own);
	must_watch(self->fd, &on_port(.cookie = 2, .generation = own.out_generation + 1));
	must_event();
	EXPECT_EQ(2, self->event.cookie);
	no_event();
	must_destroy(self->target);
	no_event();
}

TEST_F(watch, name)
{
	struct shmipc_port_create own = port_create_arg(.port = 100, .name = "wanted");

	must_watch(self->fd, &on_name(.cookie = 1));
	must_watch(self->fd, &on_name(.cookie = 2, .peer = ANY));
	no_event();
	must_port_create(self->target, &port_create_arg(.name = "unwanted"));
	must_destroy(self->target);
	no_event();
	must_port_create(self->target, &own);
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_NAME, self->event.kind);
	EXPECT_EQ(own_peer(self->target), self->event.peer);
	EXPECT_EQ(100, self->event.port);
	EXPECT_EQ(own.out_generation, self->event.generation);
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_NAME, self->event.kind);
	must_destroy(self->target);
	must_port_create(self->target, &own);
	no_event();
}

TEST_F(watch, name_is_there_already)
{
	must_port_create(self->target, &port_create_arg(.port = 100, .name = "wanted"));
	must_watch(self->fd, &on_name(.cookie = 1));
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_NAME, self->event.kind);
	EXPECT_EQ(100, self->event.port);
	no_event();
}

TEST_F(watch, name_at_another_peer_does_not_count)
{
	must_watch(self->fd, &on_name(.cookie = 1, .peer = variant->dev ? 0 : 1));
	must_port_create(self->target, &port_create_arg(.name = "wanted"));
	no_event();
}

TEST_F(watch, endpoint)
{
	int fd = open_dev(0, O_RDWR);
	__u64 id = endpoint_id(fd);

	if (variant->dev) {
		close(fd);
		return;
	}
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_ENDPOINT, .peer = SELF,
					.endpoint = id, .cookie = 1));
	no_event();
	close(fd);
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
	EXPECT_EQ(id, self->event.endpoint);
	EXPECT_EQ(1, self->event.cookie);
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_ENDPOINT, .peer = SELF,
					.endpoint = id, .cookie = 2));
	must_event();
	EXPECT_EQ(2, self->event.cookie);
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_ENDPOINT, .peer = SELF,
					.endpoint = ~0ULL, .cookie = 3));
	must_event();
	no_event();
}

TEST_F(watch, peer)
{
	unsigned int i, sum = 0;

	if (!variant->dev) {
		/* ourselves: as long as there is anybody to ask */
		must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = SELF));
		no_event();
		return;
	}
	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = 1, .cookie = 1));
	must_port_create(self->target, &port_create_arg(.port = 100));
	must_watch(self->fd, &on_port(.cookie = 2));
	/* its endpoints, too, are gone with it */
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_ENDPOINT, .peer = 1, .cookie = 4,
					.endpoint = endpoint_id(self->target)));
	no_event();
	must_unbind(1);
	for (i = 0; i < 3; i++) {
		must_event();
		EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
		EXPECT_EQ(1, self->event.peer);
		sum += self->event.cookie;
	}
	EXPECT_EQ(7, sum);
	/* an absent one is gone already */
	must_watch(self->fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = 1, .cookie = 3));
	must_event();
	EXPECT_EQ(3, self->event.cookie);
	no_event();
	must_bind(1);
	ASSERT_TRUE(happens(peer_state(self->fd, 1) == SHMIPC_PEER_UP));
	no_event();
}

TEST_F(watch, name_of_a_peer_that_comes)
{
	if (!variant->dev || !can_bind())
		return;
	must_unbind(1);
	close(self->target);
	must_watch(self->fd, &on_name(.cookie = 1));
	no_event();
	must_bind(1);
	self->target = open_dev(1, O_RDWR);
	must_port_create(self->target, &port_create_arg(.port = 100, .name = "wanted"));
	must_event();
	EXPECT_EQ(SHMIPC_EVENT_NAME, self->event.kind);
	EXPECT_EQ(100, self->event.port);
	no_event();
}

TEST_F(watch, cookies)
{
	must_port_create(self->target, &port_create_arg(.port = 100));
	must_watch(self->fd, &on_port(.cookie = 1));
	fail_watch(EEXIST, self->fd, &on_port(.cookie = 1));
	fail_watch(EEXIST, self->fd, &on_name(.cookie = 1));
	must_watch(self->fd, &on_port(.cookie = 0));
	fail_watch(ENOENT, self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 2));
	must_watch(self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 1));
	fail_watch(ENOENT, self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 1));
	must_watch(self->fd, &on_port(.cookie = 1));
	must_watch(self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 1));
	must_destroy(self->target);
	must_event();
	EXPECT_EQ(0, self->event.cookie);
	no_event();
	/* answered is forgotten */
	fail_watch(ENOENT, self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 0));
	must_watch(self->fd, &on_port(.cookie = 0));
	must_event();
}

TEST_F(watch, as_many_as_there_may_be)
{
	unsigned int i, round;

	for (round = 0; round < 2; round++) {
		must_port_create(self->target, &port_create_arg(.port = 100));
		for (i = 0; i < SHMIPC_WATCH_MAX; i++)
			must_watch(self->fd, &on_port(.cookie = i));
		fail_watch(ENOSPC, self->fd, &on_port(.cookie = i));
		must_watch(self->fd, &watch_arg(.flags = SHMIPC_WATCH_REMOVE, .cookie = 7));
		must_watch(self->fd, &on_port(.cookie = i));
		must_destroy(self->target);
		for (i = 0; i < SHMIPC_WATCH_MAX; i++) {
			must_event();
			EXPECT_EQ(SHMIPC_EVENT_GONE, self->event.kind);
			EXPECT_NE(7, self->event.cookie);
		}
		no_event();
	}
}

TEST_F(watch, bad_fields)
{
	static const __u32 kinds[] = { 0, 5, 255, ~0U };
	struct shmipc_watch arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		fail_watch(EINVAL, self->fd, &watch_arg(.kind = kinds[i], .peer = SELF));
	fail_watch(EINVAL, self->fd, &on_name(.name = ""));
	fail_watch(EINVAL, self->fd, &on_name(.name = "a b"));
	arg = on_name();
	memset(arg.name, 'a', sizeof(arg.name));
	fail_watch(EINVAL, self->fd, &arg);
	fail_watch(EHOSTUNREACH, self->fd, &on_port(.peer = 63));
	fail_watch(EHOSTUNREACH, self->fd, &on_name(.peer = 63));
	fail_watch(EHOSTUNREACH, self->fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = 63));
	fail_watch(EINVAL, self->fd, &on_port(.port = 65536));
	no_event();
}

/* Those of an endpoint that closes are forgotten with it */
TEST_F(watch, closing_forgets)
{
	unsigned int i;
	int fd;

	must_port_create(self->target, &port_create_arg(.port = 100));
	for (i = 0; i < 20; i++) {
		fd = open_dev(0, O_RDWR);
		must_watch(fd, &on_port(.cookie = i));
		must_watch(fd, &on_name(.cookie = 100 + i));
		close(fd);
	}
	must_destroy(self->target);
	must_port_create(self->target, &port_create_arg(.name = "wanted"));
	no_event();
}

TEST_HARNESS_MAIN
