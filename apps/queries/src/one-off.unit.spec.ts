import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { optionsOrExit } from './one-off.js';

class Ended extends Error {
  constructor(readonly code: unknown) {
    super(`ended with ${String(code)}`);
  }
}

const { argv } = process;
const said = { stdout: '', stderr: '' };
const optionsOf = (...args: string[]) => {
  process.argv = ['node', 'script', ...args];
  for (const stream of ['stdout', 'stderr'] as const) {
    said[stream] = '';
    jest.spyOn(process[stream], 'write').mockImplementation((text) => Boolean((said[stream] += String(text))));
  }
  jest.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Ended(code);
  });
  return optionsOrExit('usage', ['one-in']);
};

afterEach(() => {
  process.argv = argv;
  jest.restoreAllMocks();
});

describe('the command line of a command on the read models', () => {
  it('gives options by name', () => {
    expect(optionsOf()).toEqual({});
    expect(optionsOf('--one-in', '100')).toEqual({ 'one-in': '100' });
  });

  it('tells the usage, and does nothing', () => {
    expect(() => optionsOf('--help')).toThrow(new Ended(0));
    expect(said).toEqual({ stdout: 'usage\n', stderr: '' });
  });

  it.each([['--onein', '5'], ['anything'], ['--one-in']])('refuses %s', (...args) => {
    expect(() => optionsOf(...args)).toThrow(new Ended(2));
    expect(said.stderr).toMatch(/'.+\nusage\n$/s);
  });
});
