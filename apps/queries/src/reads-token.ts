/** Nest's token for the `Reads` of this process. */
export const READS = Symbol('Reads');
