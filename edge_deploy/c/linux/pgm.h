/* Pictures of a stream: binary PGM (netpbm P5), one after the other in a file or a pipe. */
#ifndef LINGNAN_PGM_H
#define LINGNAN_PGM_H

#include <stdint.h>
#include <stdio.h>

typedef struct {
    int32_t width, height;
} lingnan_pgm;

enum { LINGNAN_PGM_END, LINGNAN_PGM_PICTURE, LINGNAN_PGM_BROKEN, LINGNAN_PGM_LARGE };

/* The next picture to `pixels`, rows `stride` apart, as eight bits: of 16-bit pictures bits 4 to 11
 * are taken, what lies above is 255. Pictures over `most` are LINGNAN_PGM_LARGE. */
int lingnan_pgm_read(FILE *stream, lingnan_pgm most, int32_t stride, uint8_t *pixels,
                     lingnan_pgm *size);

#endif
