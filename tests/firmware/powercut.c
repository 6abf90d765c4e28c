/* A QEMU plugin (API of 7.2) that cuts the power: it ends the emulator with SIGKILL after a number of guest
 * instructions, counted from the first time that the guest reaches an address. Arguments: begin=ADDRESS,
 * after=INSTRUCTIONS. With begin=ADDRESS, end=ADDRESS, out=FILE it writes the number of instructions between the two
 * addresses instead. Debian does not package qemu-plugin.h, so this file declares the few functions that it uses. */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *);

EXPORT int qemu_plugin_version = 1;
static uint64_t begin, end, after = UINT64_MAX, executed;
static bool running;
static FILE *out;

static void at_begin(unsigned core, void *user) {
    (void)core, (void)user;
    running = true;
}

static void at_end(unsigned core, void *user) {
    (void)core, (void)user;
    if (!running || out == NULL) return;
    fprintf(out, "%llu\n", (unsigned long long)executed);
    fclose(out);
    out = NULL;
}

static void each(unsigned core, void *user) {
    (void)core, (void)user;
    if (running && executed++ == after) kill(getpid(), SIGKILL);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (address == begin) qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_begin, 0, NULL);
        if (end != 0 && address == end) qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_end, 0, NULL);
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, each, 0, NULL);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "begin=", 6) == 0)
            begin = strtoull(argv[i] + 6, NULL, 0);
        else if (strncmp(argv[i], "end=", 4) == 0)
            end = strtoull(argv[i] + 4, NULL, 0);
        else if (strncmp(argv[i], "after=", 6) == 0)
            after = strtoull(argv[i] + 6, NULL, 0);
        else if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
        else
            return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
