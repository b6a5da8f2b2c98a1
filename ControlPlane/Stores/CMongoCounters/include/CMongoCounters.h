#pragma once
/* Nothing to call: a program that links this leaves none of libmongoc's counters behind. See unlink.c. */
