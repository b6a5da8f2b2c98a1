#pragma once
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/hwcontext.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

// Swift sees neither macros that call macros nor constants that are cast.
static inline int clibav_error_again(void) { return AVERROR(EAGAIN); }
static inline int clibav_error_end(void) { return AVERROR_EOF; }
static inline int64_t clibav_no_time(void) { return AV_NOPTS_VALUE; }
static inline int clibav_flag_closed_gop(void) { return (int)AV_CODEC_FLAG_CLOSED_GOP; }
