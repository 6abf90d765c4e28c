@ Stands in for the boot ROM of the RP2040 in the emulator. It has the same lookup of functions by a code of two
@ letters, and flash functions that trap to pico.mjs, which changes the flash.
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .text
    .word 0x20042000            @ initial stack pointer
    .word 1
    .word 0, 0
    .byte 'M', 'u', 1, 1
    .hword table                @ at 0x14: the table
    .hword table
    .hword lookup + 1           @ at 0x18: the lookup function
    .balign 4
lookup:                         @ r0 = table, r1 = code
1:  ldrh r2, [r0]
    cmp r2, #0
    beq 2f
    cmp r2, r1
    beq 3f
    adds r0, #4
    b 1b
2:  movs r0, #0
    bx lr
3:  ldrh r0, [r0, #2]
    bx lr

    .macro trap name, number
\name:
    bkpt #\number
    bx lr
    .endm
    trap connect, 0xF0
    trap leave_xip, 0xF1
    trap erase, 0xF2
    trap program, 0xF3
    trap flush, 0xF4
    trap enter_xip, 0xF5

    .balign 4
table:
    .ascii "IF"
    .hword connect + 1
    .ascii "EX"
    .hword leave_xip + 1
    .ascii "RE"
    .hword erase + 1
    .ascii "RP"
    .hword program + 1
    .ascii "FC"
    .hword flush + 1
    .ascii "CX"
    .hword enter_xip + 1
    .hword 0, 0
