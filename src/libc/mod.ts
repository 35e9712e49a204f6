/** The C library through node:ffi: what Node itself does not offer of the system's calls. */
export { errnoName, errnos } from "./errno.ts";
export { type FilterInstruction, withConstantFilter, withFilter } from "./filter.ts";
export { type Libc, type LibcError, type LibcResult, loadLibc, type PollDescriptors } from "./libc.ts";
export { createPollSet, foundEvents, pollError, pollIn, pollOut, setEvents } from "./poll.ts";
