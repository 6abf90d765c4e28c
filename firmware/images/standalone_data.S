/* Links the file that the make variable STANDALONE names into flash, for standalone.c. */
    .section .rodata.standalone, "a"
    .balign 4
    .global standalone_data
standalone_data:
    .incbin STANDALONE
