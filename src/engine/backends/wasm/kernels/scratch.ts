// Memory for what a kernel packs, copies or notes while it runs; nothing in it outlives one instruction. Each thread runs an
// instance of its own with its own globals and scratch memory, so kernels keep nothing else that changes.

/** The backend reserves `scratchBytes` and sets the address. */
export let scratch: usize = 0;
/** Matrix products pack (96 + 512) × 256 elements; convolutions need the most: see planes.ts. */
export const scratchBytes: i32 = 704 * 1024;
