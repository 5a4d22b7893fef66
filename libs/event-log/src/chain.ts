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

const worstCase = (text: string): number => prefixBytes + text.length * 3;

/**
 * The id of an event: SHA-256 (hex) over ten fields, each its length in bytes (4, big endian) and then its UTF-8 bytes: previous,
 * execution id, version, type, schema version, command id, command offset, workspace, the command's time, value. Numbers are decimal.
 */
export const chainId = (link: ChainLink): string => {
  const fields = [
    link.previous,
    link.executionId,
    String(link.version),
    link.type,
    String(link.schemaVersion),
    link.commandId,
    String(link.commandOffset),
    link.workspaceId,
    String(link.at),
  ];
  let bound = prefixBytes;
  for (const field of fields) bound += worstCase(field);
  if (bound + worstCaseOf(link.value) > scratch.length) return hashInParts(fields, link.value);
  let position = 0;
  for (const field of fields) position = write(field, position);
  if (typeof link.value === 'string') position = write(link.value, position);
  else {
    scratch.writeUInt32BE(link.value.length, position);
    position += prefixBytes + link.value.copy(scratch, position + prefixBytes);
  }
  return hash('sha256', scratch.subarray(0, position), 'hex');
};

const worstCaseOf = (value: Buffer | string): number => (typeof value === 'string' ? value.length * 3 : value.length);

const hashInParts = (fields: readonly string[], value: Buffer | string): string => {
  const digest = createHash('sha256');
  const prefix = Buffer.alloc(prefixBytes);
  for (const field of [...fields, value]) {
    prefix.writeUInt32BE(Buffer.byteLength(field));
    digest.update(prefix).update(field);
  }
  return digest.digest('hex');
};
