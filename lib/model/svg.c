/* svg: text inside XML. */
#include "model/svg.h"

void svg_escaped(buffer *out, bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        switch (text.data[i]) {
        case '<':
            buffer_add_text(out, "&lt;");
            break;
        case '&':
            buffer_add_text(out, "&amp;");
            break;
        default:
            buffer_add_char(out, (unsigned char)text.data[i] < 0x20 ? ' ' : text.data[i]);
        }
    }
}
