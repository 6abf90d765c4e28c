/* Firmware that runs the selftest, and reports in lines of text; any byte it receives starts it again:
 *   egg selftest <board>, arena <bytes>
 *   <run> generation <n>: <digest> ok          or: <digest>, expected <digest>
 *   SELFTEST PASS                              or: SELFTEST FAIL <how many> */
#include "board.h"
#include "cpu.h"
#include "ring.h"
#include "say.h"
#include "selftest.h"

static void report(const char *run, uint32_t generation, uint32_t digest, uint32_t expected) {
    say(run);
    say(" generation ");
    say_number(generation);
    say(": ");
    say_hex(digest);
    if (digest != expected) {
        say(", expected ");
        say_hex(expected);
    } else {
        say(" ok");
    }
    say("\n");
}

void firmware_fault(void) {
    cpu_interrupts(false);
    say("\nFAULT\n");
    board_led(true);
    for (;;) cpu_sleep();
}

int main(void) {
    uint8_t byte;
    board_init();
    for (;;) {
        say("egg selftest ");
        say(board_name);
        say(", arena ");
        say_number((uint32_t)(arena_end - arena_start));
        say("\n");
#ifdef SELFTEST_UNALIGNED
        /* for the test that proves that the alignment gate sees an unaligned access */
        volatile uintptr_t odd = (uintptr_t)arena_start + 1u;
        say_hex(REG(odd));
#endif
        board_led(true);
        uint32_t differ = selftest_run(arena_start, (size_t)(arena_end - arena_start), report);
        board_led(false);
        if (differ == 0) {
            say("SELFTEST PASS\n");
        } else {
            say("SELFTEST FAIL ");
            say_number(differ);
            say("\n");
        }
        while (ring_take(&byte, 1) == 0) ring_wait();
    }
}
