/** Of one message of a server, or one answer on the wire. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
