#pragma once
#include <srt.h>
#include <access_control.h>
// As macros built from other macros these do not reach Swift.
static const int csrt_would_block_sending = SRT_EASYNCSND;
static const int csrt_would_block_receiving = SRT_EASYNCRCV;
