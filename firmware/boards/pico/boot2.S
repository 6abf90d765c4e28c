@ The second boot stage of the RP2040. The boot ROM copies these 256 bytes from flash to RAM and runs them if their
@ checksum is right (image.py adds it). They make the flash readable as memory with the plain read command 03h, which
@ every serial flash knows. Then they start the program, which follows them in flash.
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .boot2, "ax"
    .global boot2
boot2:
    ldr r3, =0x18000000     @ XIP_SSI
    movs r1, #0
    str r1, [r3, #0x08]     @ SSIENR: off
    movs r1, #4
    str r1, [r3, #0x14]     @ BAUDR: system clock / 4
    ldr r1, =0x001F0300
    str r1, [r3, #0x00]     @ CTRLR0: 32-bit frames, read mode
    movs r1, #0
    str r1, [r3, #0x04]     @ CTRLR1: one frame for each read
    ldr r1, =0x03000218
    ldr r0, =0x180000F4
    str r1, [r0]            @ SPI_CTRLR0: command 03h, 24-bit address
    movs r1, #1
    str r1, [r3, #0x08]     @ SSIENR: on
    ldr r0, =0x10000100     @ the program's vector table
    ldr r1, =0xE000ED08     @ VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .ltorg
