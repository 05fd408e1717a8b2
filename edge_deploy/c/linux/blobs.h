/* Regions of a map: connected cells at or above a level. */
#ifndef LINGNAN_BLOBS_H
#define LINGNAN_BLOBS_H

#include <stdint.h>

typedef struct {
    int32_t x0, y0, x1, y1; /* cells; x1, y1 exclusive */
    uint8_t best;
} lingnan_blob;

/* Regions of cells >= low, in the order of their first cell by rows; those whose best cell lies
 * under `least` are left out. Cells one blank cell apart belong together: what is connected (8
 * neighbours) is the map of cells that have one >= low at themselves, above, left or above left.
 * room: rows * columns of each. Returns how many, at most rows * columns. */
int32_t lingnan_blobs(const uint8_t *map, int32_t rows, int32_t columns, int32_t pitch, int32_t low,
                      int32_t least, uint8_t *room_marks, int32_t *room_stack, lingnan_blob *found);

#endif
