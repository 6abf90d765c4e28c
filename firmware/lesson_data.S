/* The file that LESSON names, in flash. */
    .section .rodata.lesson, "a"
    .balign 4
    .global lesson_data
lesson_data:
    .incbin LESSON
