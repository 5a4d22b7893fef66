import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LiveBuffer } from './live-buffer.js';

const items = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => ({ version: from + i }));

const buffering = (bytes: number) =>
  new LiveBuffer<{ version: number }>(
    () => bytes,
    ({ version }) => version,
  );

describe('LiveBuffer', () => {
  it('drops everything when it is full and says up to where', () => {
    const buffer = buffering(1);
    buffer.push(items(1, 1500));
    expect(buffer.take()).toEqual({ events: [], overflowed: 1500 });
    buffer.push(items(1501, 1502));
    expect(buffer.take()).toEqual({ events: items(1501, 1502), overflowed: null });
  });

  it('is bounded by bytes too', () => {
    const buffer = buffering(600_000);
    buffer.push(items(1, 2));
    expect(buffer.take()).toEqual({ events: [], overflowed: 2 });
  });

  it('loses nothing without saying so', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 700 }), fc.constant('take' as const))), (steps) => {
        const buffer = buffering(100);
        let pushed = 0;
        let seen = 0;
        const take = () => {
          const { events, overflowed } = buffer.take();
          if (overflowed !== null) seen = overflowed;
          for (const { version } of events) {
            expect(version).toBe(seen + 1);
            seen = version;
          }
        };
        for (const step of steps)
          if (step === 'take') take();
          else {
            buffer.push(items(pushed + 1, pushed + step));
            pushed += step;
          }
        take();
        expect(seen).toBe(pushed);
      }),
      { numRuns: 50 },
    );
  });

  it('wakes who waits', async () => {
    const buffer = buffering(1);
    const filled = buffer.filled(10_000);
    buffer.push(items(1, 1));
    expect(await filled).toBe(true);
    expect(await buffering(1).filled(1)).toBe(false);
  });
});
