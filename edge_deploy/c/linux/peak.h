/* The most memory this program ever held, from Linux: "peak memory N KiB" on standard error. */
#ifndef LINGNAN_PEAK_H
#define LINGNAN_PEAK_H

#include <stdio.h>

static inline void lingnan_tell_peak(void)
{
    char line[128];
    FILE *const status = fopen("/proc/self/status", "r");
    long kib;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld kB", &kib) == 1) fprintf(stderr, "peak memory %ld KiB\n", kib);
    if (status) fclose(status);
}

#endif
