import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { INestMicroservice } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import type { Reads } from '@runlog/contract';
import { freePort } from '@runlog/platform';
import { ReadsClient, ReadsUnavailable } from '@runlog/read-model';
import { until } from '@runlog/testing';
import { ReadsController } from './reads.controller.js';
import { READS } from './reads-token.js';

const answering = (name: string): Reads => ({
  execution: async ({ ref }) => {
    if (ref === 'broken') throw new Error('the database is away');
    return ref === 'none' ? null : ({ view: { id: name }, stale: false, lagMs: 0 } as unknown as Awaited<ReturnType<Reads['execution']>>);
  },
  executions: async (filter) => ({ rows: [], hasMore: filter.descending, lagMs: filter.limit }),
  events: async () => [],
  logs: async ({ after, limit }) =>
    Array.from({ length: limit }, (_, i) => ({ seq: after + i + 1, at: 0, level: 'info', message: 'x'.repeat(10_000), node_id: null, attempt: null, fields: null }) as const),
  frames: async ({ after }) => ({ frames: [{ n: after + 1, version: 1, node_id: 'a', attempt: 1, frame: { kind: 'content', text: '\ud800', from: 0 } }], storedTo: 9 }),
  heard: async () => [],
  nodes: async () => null,
  gates: async ({ limit }) => ({ rows: [], hasMore: false, lagMs: limit }),
  tree: async () => null,
  usage: async ({ limit }) => ({ rows: [], hasMore: false, lagMs: limit }),
  sessions: async ({ limit }) => ({ rows: [], hasMore: false, lagMs: limit }),
  turns: async () => [],
  replayNodes: async () => [],
  effects: async () => [],
  positions: async () => [{ topicId: name, partition: 0, offset: 1, claim: 0, previous: '' }],
});

describe('reads over TCP', () => {
  const apps: INestMicroservice[] = [];
  const clients: ReadsClient[] = [];

  const serve = async (name: string, port: number): Promise<INestMicroservice> => {
    @Module({ controllers: [ReadsController], providers: [{ provide: READS, useValue: answering(name) }] })
    class Served {}
    const app = await NestFactory.createMicroservice(Served, { transport: Transport.TCP, options: { host: '127.0.0.1', port }, logger: false });
    await app.listen();
    apps.push(app);
    return app;
  };
  const client = (...ports: number[]): ReadsClient => {
    const made = new ReadsClient({ addresses: ports.map((port) => ({ host: '127.0.0.1', port })), timeoutMs: 5_000 });
    clients.push(made);
    return made;
  };
  const ask = { workspaceId: 'w', ref: 'e', nodes: false };

  afterEach(async () => {
    for (const made of clients.splice(0)) made.close();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('takes every method there and back', async () => {
    const port = await freePort();
    await serve('one', port);
    const reads = client(port);
    expect(await reads.execution(ask)).toMatchObject({ view: { id: 'one' } });
    expect(await reads.execution({ ...ask, ref: 'none' })).toBeNull();
    expect(await reads.executions({ workspaceId: 'w', sort: 'created_at', descending: true, limit: 3 })).toEqual({ rows: [], hasMore: true, lagMs: 3 });
    expect(await reads.logs({ workspaceId: 'w', executionId: 'e', after: 5, limit: 200 })).toHaveLength(200);
    expect(await reads.frames({ workspaceId: 'w', executionId: 'e', after: 5, limit: 1 })).toMatchObject({ frames: [{ n: 6, frame: { text: '\ud800' } }], storedTo: 9 });
    expect(await reads.nodes({ workspaceId: 'w', executionId: 'e' })).toBeNull();
    expect(await reads.positions()).toMatchObject([{ topicId: 'one' }]);
  });

  it('asks in turn, and passes over a process that is gone until it is back', async () => {
    const [first, second] = [await freePort(), await freePort()];
    await serve('first', first);
    const gone = await serve('second', second);
    const reads = client(first, second);
    const names = async (n: number) => new Set((await Promise.all(Array.from({ length: n }, () => reads.execution(ask)))).map((answer) => answer?.view.id));
    expect(await names(4)).toEqual(new Set(['first', 'second']));
    await gone.close();
    apps.splice(apps.indexOf(gone), 1);
    expect(await names(6)).toEqual(new Set(['first']));
    await serve('second', second);
    await until('the process that is back is asked again', async () => (await names(4)).has('second'));
  });

  it('tells a failing read from a process that is away', async () => {
    const port = await freePort();
    await expect(client(port).execution(ask)).rejects.toBeInstanceOf(ReadsUnavailable);
    await serve('one', port);
    await expect(client(port).execution({ ...ask, ref: 'broken' })).rejects.toThrow('the database is away');
  });
});
