/* Sends a picture through the accelerator's memory and waits for its answer. A job that fails is told
 * on standard error; after a reset it is tried once more. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accelerator.h"
#include "bus.h"
#include "registers.h"

enum { TRIES = 2, SOURCE = 0, DESTINATION = LINGNAN_MEMORY_BYTES / 2 };

static uint8_t *memory;
static unsigned long picture;

static void expect(uint32_t number, uint32_t wanted, const char *what)
{
    const uint32_t found = lingnan_bus_read(number);
    if (found == wanted) return;
    fprintf(stderr, "accelerator: %s is %08lx, not %08lx: %s\n", what, (unsigned long)found,
            (unsigned long)wanted,
            number == LINGNAN_ID ? "no such accelerator is here" : "load the design made with this "
                                                                   "program");
    exit(EXIT_FAILURE);
}

static void find(void)
{
    memory = lingnan_bus_open();
    expect(LINGNAN_ID, LINGNAN_IS, "its id");
    expect(LINGNAN_VERSION, 1, "the version of its registers");
    expect(LINGNAN_NETWORK, LINGNAN_NETWORK_IS, "its network");
    expect(LINGNAN_IN_BYTES, LINGNAN_PICTURE_BYTES, "the length of its pictures");
    expect(LINGNAN_OUT_BYTES, LINGNAN_ANSWER_BYTES, "the length of its answers");
}

/* 0 where the status says that every byte came; what is wrong else. */
static const char *fault(int raised, uint32_t status)
{
    if (!raised && status & LINGNAN_BUSY) return "stands still";
    if (status & LINGNAN_REFUSED) return "was refused a byte by the memory";
    if (status & LINGNAN_CUT) return "had a picture of another length";
    if (status & LINGNAN_OVERFLOW) return "has a longer answer";
    if (!(status & LINGNAN_DONE)) return "was reset";
    return lingnan_bus_read(LINGNAN_RECEIVED) == LINGNAN_ANSWER_BYTES ? 0 : "has a shorter answer";
}

static const char *job(void)
{
    lingnan_bus_write(LINGNAN_SOURCE, SOURCE);
    lingnan_bus_write(LINGNAN_SOURCE_LENGTH, LINGNAN_PICTURE_BYTES);
    lingnan_bus_write(LINGNAN_DESTINATION, DESTINATION);
    lingnan_bus_write(LINGNAN_DESTINATION_LENGTH, LINGNAN_ANSWER_BYTES);
    lingnan_bus_write(LINGNAN_CONTROL, LINGNAN_START);
    const int raised = lingnan_bus_wait(LINGNAN_PATIENCE);
    return fault(raised, lingnan_bus_read(LINGNAN_STATUS));
}

void lingnan_accelerate(const uint8_t *in, uint8_t *out)
{
    if (!memory) find();
    for (int try = 0; try < TRIES; ++try) {
        lingnan_bus_write(LINGNAN_CONTROL, LINGNAN_RESET);
        memcpy(memory + SOURCE, in, LINGNAN_PICTURE_BYTES);
        const char *const wrong = job();
        if (!wrong) {
            memcpy(out, memory + DESTINATION, LINGNAN_ANSWER_BYTES);
            fprintf(stderr, "picture %lu: %lu cycles\n", picture++,
                    (unsigned long)lingnan_bus_read(LINGNAN_CYCLES));
            return;
        }
        fprintf(stderr, "picture %lu: the accelerator %s after %lu of %lu bytes in, %lu of %lu out\n",
                picture, wrong, (unsigned long)lingnan_bus_read(LINGNAN_SENT),
                (unsigned long)LINGNAN_PICTURE_BYTES,
                (unsigned long)lingnan_bus_read(LINGNAN_RECEIVED),
                (unsigned long)LINGNAN_ANSWER_BYTES);
    }
    fprintf(stderr, "picture %lu: given up after %d tries\n", picture, TRIES);
    exit(EXIT_FAILURE);
}
