/* A plug-in of qemu's user-mode emulation, API version 1 (QEMU 4.2 to 8.2): the instructions that a
 * program executes between two of its readings of its own CPU clock, one line each on standard
 * error. A program that times its calls is so counted call by call, unchanged. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum { CLOCK_GETTIME = 113, PROCESS_CPUTIME = 2 }; /* of Linux on 64-bit ARM */
enum { NO_REGISTERS = 0 };

struct block;
typedef void translated_callback(uint64_t, struct block *);
typedef void executed_callback(unsigned, void *);
typedef void call_callback(uint64_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, translated_callback *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, executed_callback *, int, void *);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t, call_callback *);
size_t qemu_plugin_tb_n_insns(const struct block *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
static uint64_t executed;

static void ran(unsigned cpu, void *instructions)
{
    (void)cpu;
    executed += (uintptr_t)instructions;
}

static void translated(uint64_t id, struct block *block)
{
    void *const instructions = (void *)(uintptr_t)qemu_plugin_tb_n_insns(block);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, ran, NO_REGISTERS, instructions);
}

static void called(uint64_t id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)cpu, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number != CLOCK_GETTIME || a != PROCESS_CPUTIME) return;
    fprintf(stderr, "executed %" PRIu64 "\n", executed);
    executed = 0;
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info,
                                                               int count, char **words)
{
    (void)info, (void)count, (void)words;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
