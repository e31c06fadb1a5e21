/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ivshmem2 - a device for QEMU: ivshmem version 2 as the Jailhouse hypervisor has it. Written from
 * its specification for the tests of shmipc; compiled into a QEMU from Debian's source (see build).
 *
 * The memory is at a fixed address that the vendor capability tells, as Jailhouse has it, or in BAR
 * 2 (bar2=on). Sections that the guest may only read are ROM whose writes come here. An access to
 * what was not granted is a violation: said on stderr, counted in the property "violations" and at
 * the server, and the end of this QEMU (fatal=off: just ignored), as it would be the end of the
 * cell.
 *
 * With socket=PATH the device is one of the peers at a server (ivshmem2.h). Without it is alone,
 * and has the sizes of its properties, whatever nonsense they are; if they are nonsense, all its
 * memory is a trap.
 *
 * INTx arrives as an edge, as it does from the hypervisor: there is nothing to acknowledge. The I/O
 * APIC's input is level-triggered, so the line is held until the APIC has taken it, and raised not
 * before the guest is through with the one before: none is lost, none comes twice.
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "qemu/error-report.h"
#include "qemu/host-utils.h"
#include "qemu/main-loop.h"
#include "qemu/memfd.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "exec/address-spaces.h"
#include "hw/i386/ioapic.h"
#include "hw/i386/ioapic_internal.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"

#include <sys/eventfd.h>

#include "ivshmem2.h"

#define TYPE_IVSHMEM2	"ivshmem2"
OBJECT_DECLARE_SIMPLE_TYPE(Ivshmem2, IVSHMEM2)

enum {
	VENDOR_SIEMENS = 0x110a,
	DEVICE_IVSHMEM = 0x4106,
	CAP = 0x40,		/* the vendor capability */
	CAP_CONTROL = CAP + 3,
	MSIX_CAP = 0x60,
	MSIX_ENTRY = 16,
	PBA = 0x100,
	BAR1_SIZE = 0x200,
	FATAL_STATUS = 99,
	GUARD = 0x10000,	/* so much behind the memory is watched, too */
};

enum {
	REG_ID = 0,
	REG_MAX_PEERS = 4,
	REG_INT_CONTROL = 8,
	REG_DOORBELL = 12,
	REG_STATE = 16,
};

typedef struct Section {
	MemoryRegion region;
	struct Ivshmem2 *device;
	char name[32];
} Section;

typedef struct Bell {
	struct Ivshmem2 *device;
	uint32_t vector;
} Bell;

struct Ivshmem2 {
	PCIDevice parent_obj;

	/* properties */
	char *socket;
	int32_t peer;
	uint32_t peers;
	uint64_t state_size, rw_size, output_size, base;
	uint64_t said_base;	/* in the capability, if not @base */
	uint32_t vectors;
	uint32_t protocol;
	bool bar2, fatal;

	struct iv2_link link;
	Bell bells[IV2_VECTORS];
	uint32_t violations;
	uint32_t shown_id;	/* perhaps nonsense, where link.id is not */
	bool sane;

	MemoryRegion registers, bar1, msix, memory;
	Section guard, sections[IV2_MAX_PEERS + 2];

	QEMUTimer *intx_timer;
	bool intx_wanted, intx_raised;
};

static PCIDevice *pci(Ivshmem2 *s)
{
	return PCI_DEVICE(s);
}

static struct iv2_peer *self(Ivshmem2 *s)
{
	return &s->link.control->peer[s->link.id];
}

static void G_GNUC_PRINTF(2, 3) violation(Ivshmem2 *s, const char *format, ...)
{
	va_list args;

	s->violations++;
	qatomic_inc(&s->link.control->violations);
	fputs("ivshmem2: violation: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (s->fatal)
		_exit(FATAL_STATUS);
}

/* Interrupts */

/* Tell whoever rings which vectors would be delivered. */
static void publish(Ivshmem2 *s)
{
	uint16_t command = pci_get_word(pci(s)->config + PCI_COMMAND);
	uint32_t open = 0, n;

	if (!s->vectors) {
		open = !(command & PCI_COMMAND_INTX_DISABLE);
	} else if (msix_enabled(pci(s)) && command & PCI_COMMAND_MASTER) {
		for (n = 0; n < s->vectors; n++) {
			if (!msix_is_masked(pci(s), n))
				open |= 1u << n;
		}
	}
	qatomic_set(&self(s)->open, open);
	qatomic_set(&self(s)->one_shot, pci(s)->config[CAP_CONTROL] & 1);
}

static bool intx_in_service(Ivshmem2 *s)
{
	PCIINTxRoute route = pci_device_route_intx_to_irq(pci(s), 0);
	Object *apic = object_resolve_path_type("", TYPE_IOAPIC, NULL);

	if (!apic || route.mode != PCI_INTX_ENABLED || route.irq >= IOAPIC_NUM_PINS)
		return false;
	return IOAPIC_COMMON(apic)->ioredtbl[route.irq] & IOAPIC_LVT_REMOTE_IRR;
}

static void intx_lower(Ivshmem2 *s)
{
	pci_irq_deassert(pci(s));
	s->intx_raised = false;
}

static void intx_step(void *opaque)
{
	Ivshmem2 *s = opaque;

	if (s->intx_raised && intx_in_service(s))
		intx_lower(s);
	if (s->intx_wanted && !s->intx_raised && !intx_in_service(s)) {
		s->intx_wanted = false;
		s->intx_raised = true;
		pci_irq_assert(pci(s));
		/* which the hypervisor never sets */
		pci(s)->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
		if (intx_in_service(s))
			intx_lower(s);
	}
	if (s->intx_wanted || s->intx_raised)
		timer_mod(s->intx_timer, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + 100 * SCALE_US);
}

/* Rung, and admitted by whoever did it */
static void on_bell(void *opaque)
{
	Bell *bell = opaque;
	Ivshmem2 *s = bell->device;
	uint64_t count;

	if (read(s->link.bell[s->link.id][bell->vector], &count, sizeof(count)) != sizeof(count))
		return;
	if (!(qatomic_read(&self(s)->open) & (1u << bell->vector)))
		return;
	if (s->vectors) {
		msix_notify(pci(s), bell->vector);
	} else {
		s->intx_wanted = true;
		intx_step(s);
	}
}

/* Registers */

static bool is_register(Ivshmem2 *s, const char *what, hwaddr addr, unsigned int size)
{
	if (size == 4 && !(addr & 3) && addr <= REG_STATE)
		return true;
	violation(s, "%s BAR 0 at 0x%" HWADDR_PRIx ", %u bytes", what, addr, size);
	return false;
}

static uint64_t registers_read(void *opaque, hwaddr addr, unsigned int size)
{
	Ivshmem2 *s = opaque;

	if (!is_register(s, "read of", addr, size))
		return 0;
	switch (addr) {
	case REG_ID:
		return s->shown_id;
	case REG_MAX_PEERS:
		return s->peers;
	case REG_INT_CONTROL:
		return qatomic_read(&self(s)->int_control);
	case REG_STATE:
		return s->sane ? qatomic_read(&s->link.table[s->link.id]) : 0;
	}
	return 0;
}

static void registers_write(void *opaque, hwaddr addr, uint64_t value, unsigned int size)
{
	Ivshmem2 *s = opaque;

	if (!is_register(s, "write to", addr, size))
		return;
	switch (addr) {
	case REG_INT_CONTROL:
		qatomic_set(&self(s)->int_control, value & 1);
		break;
	case REG_DOORBELL:
		/* The hypervisor knows one number of vectors, for all peers alike */
		if ((value & 0xffff) < MAX(s->vectors, 1))
			iv2_ring(&s->link, value >> 16, value & 0xffff);
		break;
	case REG_STATE:
		if (s->sane)
			iv2_set_state(&s->link, s->link.id, value);
		break;
	}
}

/* The MSI-X table: whole words, and of the vectors that there are. Pending bits read as 0. */
static bool is_vector(Ivshmem2 *s, const char *what, hwaddr addr, unsigned int size)
{
	if (size == 4 && !(addr & 3) && addr < s->vectors * MSIX_ENTRY)
		return true;
	violation(s, "%s BAR 1 at 0x%" HWADDR_PRIx ", %u bytes", what, addr, size);
	return false;
}

static uint64_t bar1_read(void *opaque, hwaddr addr, unsigned int size)
{
	Ivshmem2 *s = opaque;
	uint64_t value = 0;

	if (size == 4 && addr == PBA)
		return 0;
	if (is_vector(s, "read of", addr, size))
		memory_region_dispatch_read(&pci(s)->msix_table_mmio, addr, &value, MO_32 | MO_LE,
					    MEMTXATTRS_UNSPECIFIED);
	return value;
}

static void bar1_write(void *opaque, hwaddr addr, uint64_t value, unsigned int size)
{
	Ivshmem2 *s = opaque;

	if (!is_vector(s, "write to", addr, size))
		return;
	memory_region_dispatch_write(&pci(s)->msix_table_mmio, addr, value, MO_32 | MO_LE,
				     MEMTXATTRS_UNSPECIFIED);
	publish(s);
}

/* Memory that is not granted */

static uint64_t section_read(void *opaque, hwaddr addr, unsigned int size)
{
	Section *section = opaque;

	violation(section->device, "read of %s at 0x%" HWADDR_PRIx ", %u bytes", section->name,
		  addr, size);
	return 0;
}

static void section_write(void *opaque, hwaddr addr, uint64_t value, unsigned int size)
{
	Section *section = opaque;

	violation(section->device, "write to %s at 0x%" HWADDR_PRIx ", %u bytes", section->name,
		  addr, size);
}

/* Every access comes as it is: what is wrong with it is for the functions to say. */
#define OPS(reader, writer)				\
	{						\
		.read = reader,				\
		.write = writer,			\
		.endianness = DEVICE_LITTLE_ENDIAN,	\
		.valid = { 1, 8, true, NULL },		\
		.impl = { 1, 8, true },			\
	}

static const MemoryRegionOps registers_ops = OPS(registers_read, registers_write);
static const MemoryRegionOps bar1_ops = OPS(bar1_read, bar1_write);
static const MemoryRegionOps section_ops = OPS(section_read, section_write);

/* Section @nr of the memory: the next @size bytes at *@offset */
static void add_section(Ivshmem2 *s, uint32_t nr, const char *name, uint64_t size, bool writable,
			uint64_t *offset)
{
	Section *section = &s->sections[nr];
	MemoryRegion *region = &section->region;

	if (!size)
		return;
	section->device = s;
	snprintf(section->name, sizeof(section->name), "%s", name);
	memory_region_init_ram_from_fd(region, OBJECT(s), section->name, size, RAM_SHARED,
				       dup(s->link.memory), *offset, &error_fatal);
	if (!writable) {
		/* memory_region_init_rom_device(), but with this memory */
		region->ram = false;
		region->rom_device = true;
		region->ops = &section_ops;
		region->opaque = section;
	}
	memory_region_add_subregion(&s->memory, *offset, region);
	*offset += size;
}

static void add_sections(Ivshmem2 *s)
{
	uint64_t offset = 0;
	char name[32];
	uint32_t n;

	add_section(s, 0, "state table", s->state_size, false, &offset);
	add_section(s, 1, "R/W section", s->rw_size, true, &offset);
	for (n = 0; n < s->peers; n++) {
		snprintf(name, sizeof(name), "output of peer %u", n);
		add_section(s, n + 2, name, s->output_size, n == s->link.id, &offset);
	}
}

/* All of it is a trap; the sections, if they make sense, are laid over it. */
static void make_memory(Ivshmem2 *s)
{
	uint64_t size = s->sane ? iv2_memory_size(s->link.control) : 1 * MiB;

	size = s->bar2 ? pow2ceil(size) : size + GUARD;
	s->guard.device = s;
	snprintf(s->guard.name, sizeof(s->guard.name), "what is behind");
	memory_region_init(&s->memory, OBJECT(s), "ivshmem2-memory", size);
	memory_region_init_io(&s->guard.region, OBJECT(s), &section_ops, &s->guard,
			      "ivshmem2-guard", size);
	memory_region_add_subregion_overlap(&s->memory, 0, &s->guard.region, -1);
	if (s->sane)
		add_sections(s);
	if (s->bar2)
		pci_register_bar(pci(s), 2,
				 PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
				 &s->memory);
	else
		memory_region_add_subregion(get_system_memory(), s->base, &s->memory);
}

/* Configuration space */

static void make_capability(Ivshmem2 *s)
{
	const uint8_t length = s->bar2 ? 0x18 : 0x20;
	uint8_t *cap = pci(s)->config + CAP;

	pci_add_capability(pci(s), PCI_CAP_ID_VNDR, CAP, length, &error_fatal);
	cap[2] = length;
	pci(s)->wmask[CAP_CONTROL] = 1; /* one-shot mode */
	pci_set_long(cap + 4, s->state_size);
	pci_set_quad(cap + 8, s->rw_size);
	pci_set_quad(cap + 0x10, s->output_size);
	if (!s->bar2)
		pci_set_quad(cap + 0x18, s->said_base ?: s->base);
}

static void make_msix(Ivshmem2 *s)
{
	uint32_t n;

	memory_region_init(&s->msix, OBJECT(s), "ivshmem2-msix", BAR1_SIZE);
	memory_region_init_io(&s->bar1, OBJECT(s), &bar1_ops, s, "ivshmem2-bar1", BAR1_SIZE);
	pci_register_bar(pci(s), 1, 0, &s->bar1);
	msix_init(pci(s), s->vectors, &s->msix, 1, 0, &s->msix, 1, PBA, MSIX_CAP, &error_fatal);
	for (n = 0; n < s->vectors; n++)
		msix_vector_use(pci(s), n);
}

static void write_config(PCIDevice *dev, uint32_t addr, uint32_t value, int len)
{
	pci_default_write_config(dev, addr, value, len);
	publish(IVSHMEM2(dev));
}

/* Creation and reset */

/* Alone, with control and memory of its own */
static void be_alone(Ivshmem2 *s)
{
	struct iv2_control *control = g_new0(struct iv2_control, 1);
	int n, v;

	control->peers = MIN(s->peers, IV2_MAX_PEERS);
	control->state_size = s->state_size;
	control->rw_size = s->rw_size;
	control->output_size = s->output_size;
	s->link.control = control;
	s->link.id = s->peer < 0 ? 0 : s->peer;
	for (n = 0; n < IV2_MAX_PEERS; n++) {
		for (v = 0; v < IV2_VECTORS; v++)
			s->link.bell[n][v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	s->sane = s->state_size && !((s->state_size | s->rw_size | s->output_size) % 4096) &&
		  s->peers >= 2 && s->peers <= IV2_MAX_PEERS && s->link.id < s->peers &&
		  s->rw_size < 1 * GiB && s->output_size && s->output_size < 1 * GiB;
	if (s->sane)
		s->link.table = qemu_memfd_alloc("ivshmem2", iv2_memory_size(control), 0,
						 &s->link.memory, &error_fatal);
}

static void be_a_peer(Ivshmem2 *s, Error **errp)
{
	const char *error = iv2_join(&s->link, s->socket, s->peer);

	if (error) {
		error_setg(errp, "%s: %s", s->socket, error);
		return;
	}
	s->peers = s->link.control->peers;
	s->state_size = s->link.control->state_size;
	s->rw_size = s->link.control->rw_size;
	s->output_size = s->link.control->output_size;
	s->sane = true;
}

static void realize(PCIDevice *dev, Error **errp)
{
	Ivshmem2 *s = IVSHMEM2(dev);
	uint32_t n;

	if (s->vectors > IV2_VECTORS) {
		error_setg(errp, "at most %d vectors", IV2_VECTORS);
		return;
	}
	if (s->socket) {
		ERRP_GUARD();
		be_a_peer(s, errp);
		if (*errp)
			return;
	} else {
		be_alone(s);
	}
	pci_config_set_class(dev->config, 0xff00 | s->protocol >> 8);
	pci_config_set_prog_interface(dev->config, s->protocol & 0xff);
	pci_config_set_interrupt_pin(dev->config, !s->vectors);
	memory_region_init_io(&s->registers, OBJECT(s), &registers_ops, s, "ivshmem2-registers",
			      4096);
	pci_register_bar(dev, 0, 0, &s->registers);
	make_capability(s);
	if (s->vectors)
		make_msix(s);
	make_memory(s);
	s->intx_timer = timer_new_ns(QEMU_CLOCK_REALTIME, intx_step, s);
	s->shown_id = s->link.id;
	if (!s->sane)
		s->link.id = 0;
	for (n = 0; n < IV2_VECTORS; n++) {
		s->bells[n] = (Bell){ s, n };
		qemu_set_fd_handler(s->link.bell[s->link.id][n], on_bell, NULL, &s->bells[n]);
	}
}

static void reset(DeviceState *dev)
{
	Ivshmem2 *s = IVSHMEM2(dev);

	timer_del(s->intx_timer);
	s->intx_wanted = false;
	s->intx_raised = false;
	pci(s)->config[CAP_CONTROL] = 0;
	iv2_close(&s->link, s->link.id);
	if (s->sane)
		iv2_set_state(&s->link, s->link.id, 0);
}

static void get_violations(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	visit_type_uint32(v, name, &IVSHMEM2(obj)->violations, errp);
}

static Property properties[] = {
	DEFINE_PROP_STRING("socket", Ivshmem2, socket),
	DEFINE_PROP_INT32("peer", Ivshmem2, peer, -1),
	DEFINE_PROP_UINT32("peers", Ivshmem2, peers, 3),
	DEFINE_PROP_UINT64("state-size", Ivshmem2, state_size, 0x1000),
	DEFINE_PROP_UINT64("rw-size", Ivshmem2, rw_size, 0x9000),
	DEFINE_PROP_UINT64("output-size", Ivshmem2, output_size, 0x2000),
	DEFINE_PROP_UINT64("base", Ivshmem2, base, 0x200000000ULL),
	DEFINE_PROP_UINT64("said-base", Ivshmem2, said_base, 0),
	DEFINE_PROP_UINT32("vectors", Ivshmem2, vectors, 0),
	DEFINE_PROP_UINT32("protocol", Ivshmem2, protocol, 0x5348),
	DEFINE_PROP_BOOL("bar2", Ivshmem2, bar2, false),
	DEFINE_PROP_BOOL("fatal", Ivshmem2, fatal, true),
	DEFINE_PROP_END_OF_LIST(),
};

static void class_init(ObjectClass *class, void *data)
{
	DeviceClass *device = DEVICE_CLASS(class);
	PCIDeviceClass *k = PCI_DEVICE_CLASS(class);

	k->realize = realize;
	k->config_write = write_config;
	k->vendor_id = VENDOR_SIEMENS;
	k->device_id = DEVICE_IVSHMEM;
	k->subsystem_vendor_id = VENDOR_SIEMENS;
	k->subsystem_id = DEVICE_IVSHMEM;
	k->class_id = 0xff00;
	device->reset = reset;
	device->hotpluggable = false;
	device_class_set_props(device, properties);
	object_class_property_add(class, "violations", "uint32", get_violations, NULL, NULL, NULL);
}

static const TypeInfo info = {
	.name = TYPE_IVSHMEM2,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(Ivshmem2),
	.class_init = class_init,
	.interfaces = (InterfaceInfo[]){ { INTERFACE_CONVENTIONAL_PCI_DEVICE }, {} },
};

static void register_types(void)
{
	type_register_static(&info);
}
type_init(register_types)
