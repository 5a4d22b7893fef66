import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { encodeJson, partitionOf } from '@runlog/event-log';
import type { ExecutionCommand, Reply } from '@runlog/execution';
import type { TestDatabase } from '@runlog/testing';

import { chain, Fixture, node, startTestDatabase, transform, until } from './testing/fixture.js';

jest.setTimeout(60_000);

const gates = 1_000;
const contenders = ['ann', 'bob', 'timer'] as const;
type Contender = (typeof contenders)[number];

/** What each contender would make of the gate: the output of its execution. */
const outcomes = { ann: 'approve by user:ann', bob: 'reject by user:bob', timer: 'approve by system:gate_expired' } as const;

const asks = chain('asks', [
  node('ask', 'approval', { prompt: 'Go on?', expires_in_seconds: 1, on_expiry: 'approve', on_reject: 'branch' }),
  transform('after', "nodes.ask.decision & ' by ' & nodes.ask.by"),
]);

const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

describe('two people and a timer at the same gate', () => {
  let server: TestDatabase;
  let fixture: Fixture;
  let engine: { stop(): Promise<void> };

  beforeAll(async () => {
    server = await startTestDatabase();
    fixture = await Fixture.open(server);
    engine = (await fixture.service()) as typeof engine;
  });
  afterAll(async () => {
    await engine?.stop();
    await fixture?.close();
    await server?.stop();
  });

  /** Sends on a connection of its own, as another process does. */
  const sender = async (): Promise<{ send(commands: readonly ExecutionCommand[]): Promise<void>; stop(): Promise<void> }> => {
    const log = await Fixture.openLog(fixture.url);
    const partitions = log.partitions('execution-commands');
    return {
      send: async (commands) => {
        const byPartition = Map.groupBy(commands, ({ executionId }) => partitionOf(executionId, partitions));
        const records = (some: readonly ExecutionCommand[]) => some.map((command) => encodeJson(command.executionId, command));
        await log.send([...byPartition].map(([partition, some]) => ({ topic: 'execution-commands' as const, partition, records: records(some) })));
      },
      stop: () => log.stop(),
    };
  };

  it(`has exactly one winner, ${gates} times, and the others are told which`, async () => {
    const version = await fixture.publish(asks);
    const creates = Array.from({ length: gates }, () => fixture.create(version));
    await fixture.send(...creates);
    const all = async () => (await Promise.all(Array.from({ length: fixture.log.partitions('execution-events') }, (_, partition) => fixture.accepted(partition)))).flat();
    await until('every gate is open', async () => (await all()).filter(({ type }) => type === 'ApprovalRequested').length === gates);

    const due = Date.now() + 2_000;
    const commandOf = (who: Contender, executionId: string): ExecutionCommand => {
      const common = { id: `${who}/${executionId}`, replyTo: who, at: due };
      if (who === 'timer') return fixture.about(executionId, 'FireTimer', { ...common, timer: { kind: 'gate_expiry', gate: 'ask.1' } });
      return fixture.about(executionId, 'Respond', { ...common, gate: 'ask.1', decision: who === 'ann' ? 'approve' : 'reject', by: `user:${who}`, roles: ['editor'] });
    };
    await Promise.all(
      contenders.map(async (who) => {
        const { send, stop } = await sender();
        const commands = shuffled(creates).map(({ executionId }) => commandOf(who, executionId));
        for (let from = 0; from < commands.length; from += 25) await send(commands.slice(from, from + 25));
        await stop();
      }),
    );
    await until('every execution has ended', async () => (await all()).filter(({ type }) => type === 'ExecutionCompleted').length === gates);
    const refusals = await until('every loser is refused', async () => {
      const replies = (await Promise.all(contenders.map((who) => fixture.replies(who)))).flat();
      return replies.length >= 2 * gates && replies;
    });

    const events = Map.groupBy(await all(), ({ executionId }) => executionId);
    const refusedOf = Map.groupBy(refusals as Extract<Reply, { type: 'refused' }>[], ({ executionId }) => executionId);
    const wins = { ann: 0, bob: 0, timer: 0 };
    for (const { executionId } of creates) {
      const history = events.get(executionId) ?? [];
      const settling = history.filter(({ type }) => type === 'GateExpired' || type === 'ResponseReceived');
      expect(settling).toHaveLength(1);
      const winner = settling[0]?.commandId.split('/')[0] as Contender;
      wins[winner]++;
      expect(history.at(-1)).toMatchObject({ type: 'ExecutionCompleted', data: { output: outcomes[winner] } });
      const refused = refusedOf.get(executionId) ?? [];
      expect(refused.map(({ commandId }) => commandId.split('/')[0]).sort()).toEqual(contenders.filter((who) => who !== winner));
      for (const { commandId, rejection } of refused)
        if (!commandId.startsWith('timer')) expect(rejection).toMatchObject({ reason: 'gate_decided', state: { accepted: { by: outcomes[winner].split(' by ')[1] } } });
    }
    expect(Math.min(...Object.values(wins))).toBeGreaterThan(0);
  });
});
