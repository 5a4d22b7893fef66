import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import type { SchedulerService } from '../scheduler.service.js';
import { Bench } from '../testing/bench.js';
import { Queueing } from '../testing/queueing.js';

let server: TestDatabase;
let bench: Bench;
let scheduler: SchedulerService;
let queue: Queueing;

beforeAll(async () => {
  server = await startTestDatabase();
}, 60_000);
afterAll(() => server.stop());

beforeEach(async () => {
  bench = await Bench.open(await server.fresh());
  scheduler = bench.scheduler();
  queue = new Queueing(bench);
}, 60_000);
afterEach(async () => {
  await scheduler.stop();
  await bench.close();
});

describe('a queue with a limit', () => {
  it('admits so many, and the next in order once one ends', async () => {
    await queue.set('mail', { slots: 2 });
    await scheduler.start();
    const now = Date.now();
    for (const n of [1, 2, 3, 4]) await queue.comes(`e${n}`, { at: now + n });
    await queue.admitted('e1');
    await queue.admitted('e2');
    await queue.stands(['e1', 'e2'], ['e3', 'e4']);
    await queue.ends('e1');
    await queue.admitted('e3');
    await queue.stands(['e2', 'e3'], ['e4']);
    expect(queue.order).toEqual(['e1', 'e2', 'e3']);
    await queue.ends('e2');
    await queue.ends('e3');
    await queue.admitted('e4');
    await queue.ends('e4');
    await queue.stands([], []);
  });
});
