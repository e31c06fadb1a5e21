// SPDX-License-Identifier: GPL-2.0
/* The ladder of the start, and down again. */
#include <stdlib.h>
#include <sys/stat.h>

#include "server.h"

#define RUN_DIR	"/run/shmipc"

static bool is_in_run_dir(const char *path)
{
	return path && !strncmp(path, RUN_DIR "/", strlen(RUN_DIR "/"));
}

/* The usual place of sockets is made, others are not */
static void make_run_dir(void)
{
	if (is_in_run_dir(options.socket) || is_in_run_dir(options.pidfile) ||
	    is_in_run_dir(options.control))
		mkdir(RUN_DIR, 0755);
}

static int make_memory(void)
{
	if (memory_create() || region_open())
		return -1;
	systemd_keep(SYSTEMD_MEMORY, 0, 0, memory.fd);
	return clients_make_bells();
}

static int start(void)
{
	make_run_dir();
	if (daemon_start() || loop_init())
		return -1;
	clients_init();
	if (restore_memory() && make_memory())
		return -1;
	if (!region_served() && ids_init())
		return -1;
	restore_clients();
	region_server(true);
	if (listener_open())
		return -1;
	systemd_finish();
	if (control_open() || daemon_ready()) {
		listener_close();
		control_close();
		return -1;
	}
	systemd_say("READY=1");
	return 0;
}

/* The clients are left to whoever keeps their sockets, or see that theirs is closed */
static void stop(void)
{
	systemd_say("STOPPING=1");
	listener_close();
	control_close();
	region_server(false);
	daemon_end();
}

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	if (options.status)
		return control_print(options.status);
	systemd_init();
	daemon_limits();
	if (start())
		return EXIT_FAILURE;
	note("%s: %u peers, %llu bytes each, %u vectors", options.socket, region_peers(),
	     (unsigned long long)region_section_size(), options.vectors);
	loop_run();
	stop();
	return 0;
}
