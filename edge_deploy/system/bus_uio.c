/* The bus of a board: a UIO device of Linux, its map 0 the registers, its map 1 the memory that the
 * accelerator sees at address 0, uncached. LINGNAN_UIO names the device. LINGNAN_INTERRUPT may name
 * another file to which interrupts are told. Tested on files alone: no board has run it. */
#define _POSIX_C_SOURCE 200809L
#include "bus.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accelerator.h"
#include "registers.h"

enum { CYCLES_A_MS = 10000 }; /* at 10 MHz, slower than any design here is clocked */

static volatile uint32_t *registers;
static int interrupts = -1;

static void end(const char *why, const char *name)
{
    fprintf(stderr, "bus: %s: ", name);
    perror(why);
    exit(EXIT_FAILURE);
}

static int opened(const char *name)
{
    const int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) end("cannot be opened", name);
    return file;
}

/* Linux gives map n of a UIO device at n pages. */
static void *mapped(int file, const char *name, size_t bytes, long map)
{
    void *const found =
        mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, map * sysconf(_SC_PAGESIZE));
    if (found == MAP_FAILED) end(map ? "its memory cannot be mapped" : "its registers cannot", name);
    return found;
}

uint8_t *lingnan_bus_open(void)
{
    const char *const device = getenv("LINGNAN_UIO"), *const told = getenv("LINGNAN_INTERRUPT");
    if (!device) {
        fprintf(stderr, "bus: LINGNAN_UIO names no device, for example /dev/uio0\n");
        exit(EXIT_FAILURE);
    }
    const int file = opened(device);
    interrupts = told ? opened(told) : file;
    registers = mapped(file, device, (LINGNAN_RECEIVED + 1) * sizeof *registers, 0);
    return mapped(file, device, LINGNAN_MEMORY_BYTES, 1);
}

/* What was written to the memory is there before a register starts the accelerator, and what it wrote
 * is read after its status. */
uint32_t lingnan_bus_read(uint32_t number)
{
    const uint32_t found = registers[number];
    __sync_synchronize();
    return found;
}

void lingnan_bus_write(uint32_t number, uint32_t value)
{
    __sync_synchronize();
    registers[number] = value;
}

static long ms_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* The line stays up until the next job, so enabling it late loses nothing; a count that comes from
 * an earlier job is told apart by the status. */
int lingnan_bus_wait(uint32_t cycles)
{
    const long until = ms_now() + 1 + cycles / CYCLES_A_MS;
    while (lingnan_bus_read(LINGNAN_STATUS) & LINGNAN_BUSY) {
        const uint32_t enable = 1;
        uint32_t count;
        struct pollfd wanted = {.fd = interrupts, .events = POLLIN};
        const long left = until - ms_now();
        if (left <= 0) return 0;
        if (write(interrupts, &enable, sizeof enable) != (ssize_t)sizeof enable ||
            poll(&wanted, 1, (int)left) < 0 ||
            (wanted.revents && read(interrupts, &count, sizeof count) != (ssize_t)sizeof count))
            end("tells no interrupts", "LINGNAN_UIO");
    }
    return 1;
}
