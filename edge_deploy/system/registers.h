/* The register map of lingnan_dma.v: 32-bit words by number, over AXI4-Lite at four times that. */
#ifndef LINGNAN_REGISTERS_H
#define LINGNAN_REGISTERS_H

enum {
    LINGNAN_ID,      /* LINGNAN_IS */
    LINGNAN_VERSION, /* 1 */
    LINGNAN_NETWORK, /* of the network inside: CRC-32 of its design */
    LINGNAN_IN_BYTES,
    LINGNAN_OUT_BYTES,
    LINGNAN_CONTROL, /* write: LINGNAN_START, LINGNAN_RESET */
    LINGNAN_STATUS,
    LINGNAN_SOURCE, /* bytes from the start of the memory */
    LINGNAN_SOURCE_LENGTH,
    LINGNAN_DESTINATION,
    LINGNAN_DESTINATION_LENGTH,
    LINGNAN_CYCLES, /* of the last job */
    LINGNAN_SENT,   /* bytes of it that the network took */
    LINGNAN_RECEIVED
};

#define LINGNAN_IS 0x4c4e474eu /* "LNGN" */

enum { LINGNAN_START = 1, LINGNAN_RESET = 2 }; /* control */
enum {                                         /* status */
    LINGNAN_BUSY = 1,
    LINGNAN_DONE = 2,
    LINGNAN_CUT = 4,     /* the picture ended at another byte than its last */
    LINGNAN_REFUSED = 8, /* the memory refused an address */
    LINGNAN_OVERFLOW = 16,
    LINGNAN_MOVING = 32 /* bursts are under way, after a reset too: what they write may still come */
};

#endif
