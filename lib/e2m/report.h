/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the room: what a sealing leaves for the report. */
#ifndef SV_E2M_REPORT_H
#define SV_E2M_REPORT_H

#include "tunnel/operation.h"

/* Room for the checks of a sealing. */
void sv_report_begin_sealing(sv_operation *op);

#endif
