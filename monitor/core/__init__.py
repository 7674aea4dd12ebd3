"""Pure: numpy and the standard library. No I/O, no clock, no logging, no globals."""
