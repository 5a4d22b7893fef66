import { describe, expect, it } from '@jest/globals';
import { createLogger } from './logger.js';
import { Shutdown } from './shutdown.js';

const logger = createLogger('test', { logLevel: 'silent' });
const shutdownOf = (exits: number[], deadlineMs = 5000) => new Shutdown({ logger, deadlineMs, exit: (code) => void exits.push(code) });

describe('Shutdown', () => {
  it('undoes in the opposite order, once, whatever throws', async () => {
    const exits: number[] = [];
    const stopped: string[] = [];
    const shutdown = shutdownOf(exits);
    shutdown.add('database', () => stopped.push('database'));
    shutdown.add('broken', () => Promise.reject(new Error('broken')));
    shutdown.add('server', () => stopped.push(shutdown.stopping.aborted ? 'server' : 'too early'));
    await Promise.all([shutdown.run('a'), shutdown.run('b')]);
    expect(stopped).toEqual(['server', 'database']);
    expect(exits).toEqual([0]);
  });
  it('ends the process when a step takes too long', async () => {
    const ended = new Promise<number>((resolve) => {
      const shutdown = new Shutdown({ logger, deadlineMs: 20, exit: resolve });
      shutdown.add('stuck', () => new Promise(() => undefined));
      void shutdown.run('test');
    });
    expect(await ended).toBe(1);
  });
});
