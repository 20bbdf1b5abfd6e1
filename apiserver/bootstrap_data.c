/* bootstrap.json, put into the program by the assembler. */
#include "apiserver/bootstrap_data.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        ".global bootstrap_json\n"
        "bootstrap_json:\n"
        ".incbin \"" BOOTSTRAP_JSON "\"\n"
        ".global bootstrap_json_end\n"
        "bootstrap_json_end:\n"
        ".byte 0\n"
        ".previous\n");
