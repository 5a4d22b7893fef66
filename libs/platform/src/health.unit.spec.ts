import { describe, expect, it } from '@jest/globals';
import { HealthRegistry } from './health.js';

describe('HealthRegistry', () => {
  it('is live but not ready while a readiness check is down, and says why', async () => {
    const health = new HealthRegistry();
    health.add('loop', () => true, 'live');
    health.add('log', () => 'catching up');
    health.add('database', () => Promise.reject(new Error('no connection')));
    expect(await health.report('live')).toEqual({ status: 'up', checks: { loop: { status: 'up' } } });
    expect(await health.report('ready')).toEqual({
      status: 'down',
      checks: { loop: { status: 'up' }, log: { status: 'down', detail: 'catching up' }, database: { status: 'down', detail: 'no connection' } },
    });
  });
});
