import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bash, documentsIn, snippetsOf } from './snippets.js';
import { type Running, startStandalone } from './standalone.js';
import { delay, inSequence, publish } from './workflows.js';

let runlog: Running;

beforeAll(async () => {
  runlog = await startStandalone();
  await publish(runlog, inSequence('letter', [delay('write', 300)]));
}, 90_000);

afterAll(() => runlog?.discard(), 30_000);

describe('docs/queues.md', () => {
  it('works as written', async () => {
    const snippets = new Map(await snippetsOf('docs/queues.md'));
    const documents = async (name: string) => {
      const text = snippets.get(name) ?? '';
      snippets.delete(name);
      return documentsIn(await bash(text, { cwd: runlog.home, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } }));
    };
    expect(await documents('set')).toMatchObject([{ object: 'queue', name: 'mail', limit: 2, key_limit: 1, strategy: 'queue', paused: false }]);
    expect(await documents('create')).toMatchObject([{ key: 'letter_1', status: 'queued', queue_name: 'mail', concurrency_key: 'ann', priority: 30 }]);
    const [queue, list] = await documents('look');
    expect(queue).toMatchObject({ name: 'mail', counts: { held: expect.any(Number), waiting: expect.any(Number) } });
    expect(list.data).toMatchObject([{ key: 'letter_1', concurrency_key: 'ann', priority: 30 }]);
    expect(await documents('pause')).toMatchObject([{ paused: true, limit: 2 }, { paused: false }]);
    expect([...snippets.keys()]).toEqual([]);
  });
});
