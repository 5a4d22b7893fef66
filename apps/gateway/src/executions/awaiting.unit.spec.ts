import { describe, expect, it } from '@jest/globals';
import type { Reads } from '@runlog/contract';
import type { EventLog } from '@runlog/event-log';
import type { Principal } from '../auth/principal.js';
import type { Tail } from '../tail.js';
import { Awaiting } from './awaiting.js';
import { ExecutionReader } from './execution-reader.js';

const executionId = '01a202db-2d13-7321-ab5b-52826ed3c5bf';
const who = { workspaceId: 'w', podId: null } as Principal;

/** Over a log of ten events and read models that are at none of them when first asked for, and at the last from the third look on. */
const awaiting = () => {
  let asked = 0;
  const reads = {
    execution: async () => (++asked > 3 ? { view: { id: executionId, version: 1 }, stale: false, lagMs: 0 } : null),
    positions: async () => [{ partition: 0, offset: asked > 3 ? 10 : 0 }],
  };
  const log = { partitions: () => 1, end: async () => 10 };
  const watch = (_: string, changed: () => void) => {
    const timer = setInterval(changed, 5);
    return () => clearInterval(timer);
  };
  return new Awaiting({ watch } as unknown as Tail, new ExecutionReader(log as unknown as EventLog, reads as unknown as Reads), new AbortController().signal);
};

describe('an execution that is about to be there', () => {
  it('is waited for while the read models cannot say that it is', async () => {
    expect(await awaiting().begun({ who, executionId, nodes: false })).toMatchObject({ id: executionId });
  });

  it('is not known to be missing when it is only looked for', async () => {
    await expect(awaiting().find({ who, executionId, nodes: false })).rejects.toMatchObject({ code: 'not_readable_yet' });
  });
});
