/* Start-up of a Cortex-M7 on Arm's MPS2 AN500 image, and its 32-bit down-counting timer. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t bss_start, bss_end;
void stack_top(void); /* an address, first of the vectors */
extern void initialise_monitor_handles(void);
int main(void);
uint32_t board_timer(void);

#define TIMER0 ((volatile uint32_t *)0x40000000) /* CMSDK timer: control, value, reload */

uint32_t board_timer(void)
{
    return UINT32_MAX - TIMER0[1];
}

static void reset(void)
{
    for (uint32_t *word = &bss_start; word < &bss_end; ++word) *word = 0;
    initialise_monitor_handles();
    TIMER0[2] = UINT32_MAX;
    TIMER0[1] = UINT32_MAX;
    TIMER0[0] = 1;
    exit(main());
}

static void fault(void)
{
    _Exit(EXIT_FAILURE);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top, reset, fault, fault, fault, fault, fault};

/* newlib's exit runs destructors through these, of which C has none */
void _init(void);
void _fini(void);
void _init(void) {}
void _fini(void) {}
