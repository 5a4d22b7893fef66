import { createHash, hash } from 'node:crypto';

/** What an event's id is computed from. `value` is the stored bytes: before compression, before upcasting. */
export interface ChainLink {
  /** Id of the event before it, '' for version 1. */
  readonly previous: string;
  readonly executionId: string;
  readonly version: number;
  readonly type: string;
  readonly schemaVersion: number;
  readonly commandId: string;
  readonly commandOffset: number;
  readonly workspaceId: string;
  /** The command's time, milliseconds UTC. */
  readonly at: number;
  readonly value: Buffer | string;
}

const scratch = Buffer.allocUnsafe(128 * 1024);
const prefixBytes = 4;

const write = (field: string, position: number): number => {
  const bytes = scratch.write(field, position + prefixBytes, 'utf8');
  scratch.writeUInt32BE(bytes, position);
  return position + prefixBytes + bytes;
};

/** Bytes that a character of a string takes at most, and characters of a whole number. */
const mostBytes = 3;
const longestNumber = 24;

/**
 * The id of an event: SHA-256 (hex) over ten fields, each its length in bytes (4, big endian) and then its UTF-8 bytes: previous,
 * execution id, version, type, schema version, command id, command offset, workspace, the command's time, value. Numbers are decimal.
 */
export const chainId = (link: ChainLink): string => {
  const { previous, executionId, type, commandId, workspaceId, value } = link;
  const version = String(link.version);
  const schemaVersion = String(link.schemaVersion);
  const commandOffset = String(link.commandOffset);
  const at = String(link.at);
  const texts = previous.length + executionId.length + type.length + commandId.length + workspaceId.length + 4 * longestNumber;
  if (10 * prefixBytes + (texts + value.length) * mostBytes > scratch.length)
    return hashInParts([previous, executionId, version, type, schemaVersion, commandId, commandOffset, workspaceId, at], value);
  let position = write(previous, 0);
  position = write(executionId, position);
  position = write(version, position);
  position = write(type, position);
  position = write(schemaVersion, position);
  position = write(commandId, position);
  position = write(commandOffset, position);
  position = write(workspaceId, position);
  position = write(at, position);
  if (typeof value === 'string') position = write(value, position);
  else {
    scratch.writeUInt32BE(value.length, position);
    position += prefixBytes + value.copy(scratch, position + prefixBytes);
  }
  return hash('sha256', scratch.subarray(0, position), 'hex');
};

const hashInParts = (fields: readonly string[], value: Buffer | string): string => {
  const digest = createHash('sha256');
  const prefix = Buffer.alloc(prefixBytes);
  for (const field of [...fields, value]) {
    prefix.writeUInt32BE(Buffer.byteLength(field));
    digest.update(prefix).update(field);
  }
  return digest.digest('hex');
};
