# SPDX-License-Identifier: GPL-2.0
#
# shmipc. "make help" says what there is. Everything generated goes under build/.

SHELL   := /bin/bash
PREFIX  ?= /usr/local
DESTDIR ?=
# The kernel to build the driver for: "make KERNEL=..." with a folder that has its headers, by default
# the running one's; where there are none, a Debian kernel that the rig fetches.
KERNEL  ?= $(wildcard /lib/modules/$(shell uname -r)/build)
RELEASE := $(if $(KERNEL),$(shell $(MAKE) -s -C $(KERNEL) kernelrelease 2>/dev/null))
BUILD   := $(CURDIR)/build
PARAMS  ?= loopback=2

help:
	@echo 'make [all]           driver, library, command, server, examples'
	@echo 'make demo            two virtual machines and this host in conversation'
	@echo 'make check [T=a,b]   tests: static core lib server host loopback ivshmem1 ivshmem2 compat docs'
	@echo 'make check-full      longer soaks, too'
	@echo 'make bench           figures, as ratios, to build/bench: in one guest, and between two'
	@echo 'make deps            install what is missing (Debian); OFFLINE=1: do not'
	@echo 'make install         to DESTDIR and PREFIX ($(PREFIX)); uninstall likewise'
	@echo 'make load, unload    the built driver into this kernel, PARAMS="$(PARAMS)"'
	@echo 'make layercheck      who may know what (Documentation/architecture.md)'
	@echo 'make format          the kernel'"'"'s .clang-format, applied to changed lines'
	@echo 'make clean           all that was built; build/cache stays'

.DEFAULT_GOAL := all
all: driver lib tools examples

ifneq ($(KERNEL),)
driver:
	@mkdir -p $(BUILD)/driver
	@rsync -a --delete --filter='P *.mod.c' --include='*/' --include='*.[ch]' --include=Kbuild \
		--include=Kconfig --exclude='*' driver include $(BUILD)/driver/
	$(MAKE) -C $(KERNEL) M=$(BUILD)/driver/driver modules
	@cp $(BUILD)/driver/driver/shmipc.ko $(BUILD)/shmipc.ko
else
driver: deps
	@selftests/kernels/build-module --copy $(BUILD)/shmipc.ko amd64-6.1 >/dev/null
endif

lib tools:
	@$(MAKE) --no-print-directory -C $@ O=$(BUILD)/$@

examples:
	@$(MAKE) --no-print-directory -C examples/hello O=$(BUILD)/examples/hello
	@$(MAKE) --no-print-directory -C examples/jailhouse-message O=$(BUILD)/examples/jailhouse-message

deps:
	@scripts/deps

demo: deps
	@selftests/demo

comma := ,
check: deps
	@selftests/check $(subst $(comma), ,$(T))

check-full: deps
	@SHMIPC_FULL=1 selftests/check $(subst $(comma), ,$(T))

bench: deps
	@selftests/bench/run
	@selftests/bench/between
	@selftests/bench/instructions

layercheck:
	@scripts/layercheck

format: deps
	@git clang-format-14 --style=file:$$(selftests/kernels/get source-6.12)/.clang-format

install: all
	@$(MAKE) --no-print-directory -C lib O=$(BUILD)/lib install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	@$(MAKE) --no-print-directory -C tools O=$(BUILD)/tools install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
ifneq ($(RELEASE),)
	install -D -m 644 $(BUILD)/shmipc.ko $(DESTDIR)/lib/modules/$(RELEASE)/extra/shmipc.ko
	@$(if $(DESTDIR),:,depmod -a $(RELEASE))
else
	@echo 'make install: there are no headers of kernel $(shell uname -r) here: THE MODULE IS NOT INSTALLED' >&2
	@echo '  apt install linux-headers-$(shell uname -r), then again; or make KERNEL=... install' >&2
	@$(if $(DESTDIR),:,exit 1)
endif

uninstall:
	@$(MAKE) --no-print-directory -C lib uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	@$(MAKE) --no-print-directory -C tools uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	$(if $(RELEASE),rm -f $(DESTDIR)/lib/modules/$(RELEASE)/extra/shmipc.ko)

load: driver tools
	$(BUILD)/tools/shmipc load --module $(BUILD)/shmipc.ko --params '$(PARAMS)'

unload:
	$(BUILD)/tools/shmipc unload

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} + 2>/dev/null || :

.PHONY: help all driver lib tools examples deps demo check check-full bench layercheck format \
	install uninstall load unload clean
