import { describe, expect, it } from '@jest/globals';
import { Crowd } from './crowd.js';

describe('crowd', () => {
  const paceOf = (keys: readonly string[], apartMs: number): number => {
    const crowd = new Crowd();
    keys.forEach((key, n) => crowd.saw(key, n * apartMs));
    return crowd.paceMs;
  };
  const inTurn = (executions: number, records = 2_000) => Array.from({ length: records }, (_, n) => `e${n % executions}`);

  it('lets executions that come one after the other go without a wait, however many', () => {
    expect(
      paceOf(
        Array.from({ length: 5_000 }, (_, n) => `e${Math.floor(n / 20)}`),
        1,
      ),
    ).toBe(0);
  });

  it('keeps requests apart by a share of the time in which all come round, when many go side by side', () => {
    expect(paceOf(inTurn(32), 2)).toBe(6);
    expect(paceOf(inTurn(32), 100)).toBe(20);
  });

  it('forgets a crowd that is gone, though each that comes now comes only once', () => {
    const crowd = new Crowd();
    inTurn(32).forEach((key, n) => {
      crowd.saw(key, n * 2);
      if (n % 6 === 0) crowd.went();
    });
    expect(crowd.paceMs).toBe(6);
    for (let n = 0; n < 20; n++) {
      crowd.saw(`once${n}`, 5_000 + n * 20);
      crowd.saw('somebody', 5_000 + n * 20);
      crowd.went();
    }
    expect(crowd.paceMs).toBe(0);
  });

  it('waits no longer once one goes alone, nor for a handful, nor where all come round at once', () => {
    expect(paceOf([...inTurn(32), ...Array.from({ length: 100 }, () => 'alone')], 2)).toBe(0);
    expect(paceOf(inTurn(3), 100)).toBe(0);
    expect(paceOf(inTurn(32), 0.1)).toBe(0);
  });
});
