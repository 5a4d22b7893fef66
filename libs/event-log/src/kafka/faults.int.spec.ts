import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { slowness, startTestBroker, type TestBroker, until } from '@runlog/testing';
import type { ISocketFactory } from 'kafkajs';
import { silent } from '../diagnostics.js';
import { AppendLost, type EventLog, type OwnedPartition } from '../port.js';
import { acceptedFrom, appendUnderClaim, becomeOwner, eventRecord, tags, unique } from '../testing/contract-tools.js';
import { defaultPartitionCounts } from '../topics.js';
import { createKafkaLog } from './kafka-log.js';
import { Wire } from './wire.js';

/** What reaches Kafka later than its sender waits, and what Kafka alone can do to us. */
describe('kafka log', () => {
  jest.setTimeout(120_000);
  const logs: EventLog[] = [];
  let broker: TestBroker;
  const open = async (through?: HoldingProxy, instance?: string): Promise<EventLog> => {
    const log = createKafkaLog({ brokers: broker.brokers, clientId: 'faults', socketFactory: through?.socketFactory, instance });
    logs.push(log);
    await log.start();
    return log;
  };

  beforeAll(async () => {
    broker = await startTestBroker();
  });

  afterAll(async () => {
    await Promise.all(logs.map((log) => log.stop()));
    await broker?.stop();
  });

  it('voids an append that was held up on its way and lands behind the next claim, although the broker takes it', async () => {
    const proxy = new HoldingProxy();
    const log = await open(proxy);
    const owner = await becomeOwner(log, unique('held'));
    await until('ownership', () => owner.owned.has(0));
    const owned = owner.owned.get(0) as OwnedPartition;
    const execution = unique('execution');
    const from = await log.end('execution-events', 0);
    const first = await appendUnderClaim(owned, (claim) => [eventRecord(claim, { execution, version: 1, tag: 'one' })]);

    proxy.holdThoseThatAre();
    await expect(owned.append([eventRecord(first, { execution, version: 2, tag: 'late' })])).rejects.toThrow('outcome is unknown');
    const second = await owned.claim();
    await owned.append([eventRecord(second, { execution, version: 2, tag: 'two' })]);
    proxy.release();
    await until('the late one lands', async () => (await log.end('execution-events', 0)) - from >= 5);
    await owned.append([eventRecord(second, { execution, version: 3, tag: 'three' })]);
    expect(tags(await acceptedFrom(log, 0, from))).toEqual(['one', 'two', 'three']);
    expect((await log.end('execution-events', 0)) - from).toBe(6);
    await owner.subscription.stop();
  });

  it('stops appending once another has claimed, and claims again only after the group has spoken', async () => {
    const [log, other] = [await open(), await open()];
    const [a, b] = [await becomeOwner(log, unique('one')), await becomeOwner(other, unique('another'))];
    await until('both believe to own partition 1', () => a.owned.has(1) && b.owned.has(1));
    const [mine, theirs] = [a.owned.get(1) as OwnedPartition, b.owned.get(1) as OwnedPartition];
    const execution = unique('execution');
    const from = await log.end('execution-events', 1);
    const claim = await mine.claim();
    const foreign = await theirs.claim();
    await expect(mine.append([eventRecord(claim, { execution, version: 1, tag: 'void' })])).rejects.toBeInstanceOf(AppendLost);
    await expect(mine.append([eventRecord(claim, { execution, version: 1, tag: 'void' })])).rejects.toThrow('no claim is in force');
    await appendUnderClaim(theirs, (under) => [eventRecord(under, { execution, version: 1, tag: 'theirs' })], foreign);
    expect(await mine.claim()).toBeGreaterThan(foreign);
    expect(tags(await acceptedFrom(log, 1, from))).toEqual(['theirs']);
    await Promise.all([a.subscription.stop(), b.subscription.stop()]);
  });

  it('keeps the batches of a patient reader apart, in order and without a gap', async () => {
    const log = await open();
    const apartMs = 40;
    const sent = Array.from({ length: 15 }, (_, n) => String(n));
    const seen: string[] = [];
    let batches = 0;
    let lastAt = 0;
    const subscription = await log.tail({
      topic: 'execution-frames',
      start: async () => 'end',
      apartMs: () => apartMs,
      onBatch: async ({ records }) => {
        batches++;
        seen.push(...records.map(({ value }) => value.toString()));
        lastAt = performance.now();
      },
    });
    const begun = performance.now();
    for (const value of sent) await log.send([{ topic: 'execution-frames', partition: 0, records: [{ key: 'patient', value }] }]);
    await until('all of them are seen', () => seen.length >= sent.length);
    expect(seen).toEqual(sent);
    // A timer may fire a moment early.
    expect((batches - 1) * (apartMs - 2)).toBeLessThanOrEqual(lastAt - begun);
    await subscription.stop();
  });

  it('takes over when a member falls silent, which stops appending before that and finds out once it is heard again', async () => {
    const proxy = new HoldingProxy();
    const group = unique('silent');
    const [quiet, log] = [await open(proxy), await open()];
    const first = await becomeOwner(quiet, group);
    await until('the first owns all', () => first.owned.size === 4);
    const second = await becomeOwner(log, group);
    await until('they share', () => second.owned.size === 2 && first.owned.size === 2);
    expect(first.grants).toHaveLength(4);
    const zombie = [...first.owned.values()][0] as OwnedPartition;
    const claim = await zombie.claim();
    proxy.holdAll();
    await until('the second owns all', () => second.owned.size === 4);
    await expect(zombie.append([eventRecord(claim, { execution: 'x', version: 1, tag: 'zombie' })])).rejects.toBeInstanceOf(AppendLost);
    proxy.release();
    await until('they share again', () => second.owned.size === 2 && first.owned.size === 2);
    expect(zombie.signal.aborted).toBe(true);
    await Promise.all([first.subscription.stop(), second.subscription.stop()]);
  });

  it('takes up where its predecessor of the same name was killed, again and again, without waiting for any of them to be missed', async () => {
    const group = unique('again');
    const names = [unique('a'), unique('b')] as const;
    const other = await becomeOwner(await open(undefined, names[1]), group);
    await until('the other owns all', () => other.owned.size === 4);
    const shares = new Set<string>();
    let since = 0;
    for (let life = 1; life <= 4; life++) {
      const proxy = new HoldingProxy();
      const mine = await becomeOwner(await open(proxy, names[0]), group);
      await until('they share', () => mine.owned.size === 2 && other.owned.size === 2);
      shares.add([...mine.owned.keys()].sort().join());
      if (life === 1) since = Date.now();
      proxy.holdAll();
    }
    // A nameless successor waits 6 s for each of them.
    expect(Date.now() - since).toBeLessThan(15_000 * slowness());
    expect(shares.size).toBe(1);
    await other.subscription.stop();
  });

  it('refuses to start when the topics have another number of partitions', async () => {
    await open();
    const log = createKafkaLog({ brokers: broker.brokers, clientId: 'faults', partitions: { ...defaultPartitionCounts, executions: 6 } });
    await expect(log.start()).rejects.toThrow(/to have 6 partitions, but it has 4.*RUNLOG_PARTITIONS/);
    await log.stop();
  });

  it('goes on with the partitions that there are, where nobody chose their number', async () => {
    await open();
    const log = createKafkaLog({ brokers: broker.brokers, clientId: 'faults', partitions: { executions: 1, tasks: 2, instances: 1, one: 1 }, adoptsPartitions: true });
    await log.start();
    expect((['execution-commands', 'node-tasks', 'command-replies', 'dead-letters'] as const).map((topic) => log.partitions(topic))).toEqual([4, 8, 4, 1]);
    await log.stop();
  });

  it('says what to do when no broker answers', async () => {
    const log = createKafkaLog({ brokers: ['127.0.0.1:1'], clientId: 'faults', startWithinMs: 500 });
    await expect(log.start()).rejects.toThrow();
    expect(await log.healthy()).toBe(false);
    await log.stop();
  });

  it('sees a topic that was deleted and made anew as another one', async () => {
    const log = await open();
    const before = await log.topicId('dead-letters');
    const wire = new Wire({ brokers: broker.brokers, clientId: 'operator', diagnostics: silent });
    const line = await wire.anyLine();
    await line.broker.deleteTopics({ topics: ['dead-letters'], timeout: 4_000 });
    line.close();
    wire.close();
    const again = await open();
    expect(await again.topicId('dead-letters')).not.toBe(before);
  });

  it('leaves its groups and closes every connection within a moment', async () => {
    const log = await open();
    await log.subscribe({ topic: 'node-tasks', group: unique('stop'), start: async () => 'end', onBatch: async () => undefined });
    await log.tail({ topic: 'execution-events', start: async () => 'end', onBatch: async () => undefined });
    await becomeOwner(log, unique('stop'));
    const before = Date.now();
    await log.stop();
    expect(Date.now() - before).toBeLessThan(4_000 * slowness());
    await expect(log.send([{ topic: 'node-tasks', partition: 0, records: [{ key: 'k', value: '1' }] }])).rejects.toThrow('stopped');
  });
});

/** Stands between a log and its brokers: passes everything on, or holds what the log sends until it is released. */
class HoldingProxy {
  private holdNew = false;
  private readonly connections = new Set<{ holding: boolean; readonly held: (() => void)[] }>();

  readonly socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = net.connect({ host, port }, onConnect);
    const connection = { holding: this.holdNew, held: [] as (() => void)[] };
    this.connections.add(connection);
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    const destroy = socket.destroy.bind(socket);
    const end = socket.end.bind(socket) as (done?: () => void) => net.Socket;
    socket.write = ((...args: unknown[]) => {
      if (!connection.holding) return write(...args);
      connection.held.push(() => write(...args));
      return true;
    }) as typeof socket.write;
    // Whoever gives up on a held connection is gone; what it has sent is still on its way.
    socket.destroy = (error) => {
      if (!connection.holding) return destroy(error);
      connection.held.push(() => end(() => destroy()));
      if (error) socket.emit('error', error);
      return socket;
    };
    socket.end = (() => (connection.holding ? socket : end())) as typeof socket.end;
    return socket;
  };

  holdThoseThatAre(): void {
    for (const connection of this.connections) connection.holding = true;
  }

  holdAll(): void {
    this.holdNew = true;
    this.holdThoseThatAre();
  }

  release(): void {
    this.holdNew = false;
    for (const connection of this.connections) {
      connection.holding = false;
      for (const go of connection.held.splice(0)) go();
    }
  }
}
