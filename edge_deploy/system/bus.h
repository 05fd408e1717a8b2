/* How the driver reaches the accelerator: bus_uio.c on a board, by registers, memory and interrupt of
 * a UIO device; bus.c talks to the simulated accelerator. */
#ifndef LINGNAN_BUS_H
#define LINGNAN_BUS_H

#include <stdint.h>

/* The shared memory, of LINGNAN_MEMORY_BYTES; the program ends with a message where there is none. */
uint8_t *lingnan_bus_open(void);

uint32_t lingnan_bus_read(uint32_t number);
void lingnan_bus_write(uint32_t number, uint32_t value);

/* 1 once the interrupt is up; 0 where it is not within so many of the accelerator's cycles. */
int lingnan_bus_wait(uint32_t cycles);

#endif
