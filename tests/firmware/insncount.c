/* A QEMU plugin (API of 7.2). Each time the guest reaches one address, it counts the instructions until the guest
 * reaches another one. Arguments: begin=ADDRESS, end=ADDRESS, out=FILE. The file gets one number on each line. Debian
 * does not package qemu-plugin.h, so this file declares the few functions that it uses. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, ADD_U64 = 0 };
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *counter, uint64_t);

EXPORT int qemu_plugin_version = 1;
static uint64_t begin, end, executed, started;
static bool counting;
static FILE *out;

static void at_begin(unsigned core, void *user) {
    (void)core, (void)user;
    started = executed;
    counting = true;
}

static void at_end(unsigned core, void *user) {
    (void)core, (void)user;
    if (!counting) return;
    counting = false;
    fprintf(out, "%llu\n", (unsigned long long)(executed - started));
    fflush(out);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (address == begin) qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_begin, NO_REGISTERS, NULL);
        if (address == end) qemu_plugin_register_vcpu_insn_exec_cb(instruction, at_end, NO_REGISTERS, NULL);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &executed, 1);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "begin=", 6) == 0)
            begin = strtoull(argv[i] + 6, NULL, 0);
        else if (strncmp(argv[i], "end=", 4) == 0)
            end = strtoull(argv[i] + 4, NULL, 0);
        else if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
        else
            return -1;
    }
    if (out == NULL) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
