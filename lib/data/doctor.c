/* doctor: the report that the checks of all tasks fill. */
#include "data/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *doctor_severity_name(doctor_severity severity) {
    static const char *const names[] = {"note", "warning", "error"};
    return names[severity];
}

/* Takes over message and file name, both on the heap; frees them when there is no room. */
static int report_push(doctor_report *report, doctor_finding finding) {
    if (mem_grow(&report->finding, &report->room, report->count + 1, sizeof finding) < 0) {
        free(finding.message);
        free((char *)finding.place.file);
        return RILL_ENOMEM;
    }
    report->finding[report->count++] = finding;
    report->severe[finding.severity]++;
    return 0;
}

int doctor_add(doctor_report *report, doctor_severity severity, const char *check,
               doctor_place place, size_t count, const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    /* Corpora and their names are closed before the report is printed: copy. */
    const char *file = place.file;
    if (file) place.file = mem_text(file, strlen(file));
    char *message = mem_text(text, strlen(text));
    if (!message || (file && !place.file)) {
        free(message);
        free((char *)place.file);
        return RILL_ENOMEM;
    }
    return report_push(report, (doctor_finding){severity, check, place, count, message});
}

/* File names are const for readers, but the report allocated them. */
void doctor_free(doctor_report *report) {
    for (size_t i = 0; i < report->count; i++) {
        free(report->finding[i].message);
        free((char *)report->finding[i].place.file);
    }
    free(report->finding);
    *report = (doctor_report){0};
}
