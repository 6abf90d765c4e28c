/* The main program of image selftest. It runs the selftest and reports in lines of text:
 *
 *   egg selftest <board>, arena <bytes>
 *   <run> generation <n>: <digest> ok          or: <digest>, expected <digest>
 *   SELFTEST PASS                              or: SELFTEST FAIL <how many digests differed>
 *
 * A received byte starts it again. After a fault it writes FAULT and stops. */
#include "board.h"
#include "common/console.h"
#include "common/cpu.h"
#include "common/ring.h"
#include "images/selftest.h"

static void report(const char *run, uint32_t generation, uint32_t digest, uint32_t expected) {
    console_write(run);
    console_write(" generation ");
    console_write_number(generation);
    console_write(": ");
    console_write_hex(digest);
    if (digest != expected) {
        console_write(", expected ");
        console_write_hex(expected);
    } else {
        console_write(" ok");
    }
    console_write("\n");
}

void firmware_fault(void) {
    cpu_interrupts(false);
    console_write("\nFAULT\n");
    board_led_write(true);
    for (;;) cpu_sleep();
}

int main(void) {
    uint8_t byte;
    board_init();
    for (;;) {
        console_write("egg selftest ");
        console_write(board_name);
        console_write(", arena ");
        console_write_number((uint32_t)(arena_end - arena_start));
        console_write("\n");
#ifdef SELFTEST_UNALIGNED
        /* An unaligned access on purpose: a test builds this to prove that the emulator faults on it. */
        volatile uintptr_t odd = (uintptr_t)arena_start + 1u;
        console_write_hex(REG(odd));
#endif
        board_led_write(true);
        uint32_t differ = selftest_run(arena_start, (size_t)(arena_end - arena_start), report);
        board_led_write(false);
        if (differ == 0) {
            console_write("SELFTEST PASS\n");
        } else {
            console_write("SELFTEST FAIL ");
            console_write_number(differ);
            console_write("\n");
        }
        while (ring_take(&byte, 1) == 0) ring_wait();
    }
}
