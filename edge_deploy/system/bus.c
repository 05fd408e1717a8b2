/* The bus of a simulated system: requests of three words through a socket, answered by one; memory
 * is a file that both sides map. LINGNAN_BUS and LINGNAN_MEMORY name the inherited descriptors. */
#define _POSIX_C_SOURCE 200809L
#include "bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accelerator.h"

enum { READ, WRITE, WAIT };

static int bus = -1;

static void end(const char *why)
{
    fprintf(stderr, "bus: %s\n", why);
    exit(EXIT_FAILURE);
}

static int descriptor(const char *name)
{
    const char *const text = getenv(name);
    if (!text) end("not given: this program runs beside a simulated accelerator");
    return (int)strtol(text, 0, 10);
}

static uint32_t request(uint32_t kind, uint32_t number, uint32_t value)
{
    const uint32_t asked[3] = {kind, number, value};
    uint32_t answer;
    if (write(bus, asked, sizeof asked) != (ssize_t)sizeof asked ||
        read(bus, &answer, sizeof answer) != (ssize_t)sizeof answer)
        end("the accelerator has gone");
    return answer;
}

uint8_t *lingnan_bus_open(void)
{
    bus = descriptor("LINGNAN_BUS");
    void *const memory = mmap(0, LINGNAN_MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                              descriptor("LINGNAN_MEMORY"), 0);
    if (memory == MAP_FAILED) end("the memory cannot be mapped");
    return memory;
}

uint32_t lingnan_bus_read(uint32_t number)
{
    return request(READ, number, 0);
}

void lingnan_bus_write(uint32_t number, uint32_t value)
{
    request(WRITE, number, value);
}

int lingnan_bus_wait(uint32_t cycles)
{
    return request(WAIT, 0, cycles) != 0;
}
