import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import type { WorkflowDefinition } from '@runlog/workflow';
import { hashApiKey } from './catalog/tenancy.js';
import { Catalog } from './catalog.js';
import { createDatabase, type Database } from './database.js';

const definition = (key: string, name = 'One'): WorkflowDefinition => ({
  key,
  name,
  nodes: [{ id: 'b', type: 'transform', name: 'b', config: { expression: '"\u0000"' } }],
  edges: [{ from: 'start_of_workflow', to: 'b' }],
});

describe('Catalog', () => {
  let server: TestDatabase;
  let database: Database;
  let catalog: Catalog;
  let workspaceId: string;

  beforeAll(async () => {
    server = await startTestDatabase();
    const url = server.connectionString;
    const [first, second] = await Promise.all([createDatabase({ url }), createDatabase({ url, poolSize: 2 })]);
    await second.close();
    database = first;
    catalog = new Catalog(database);
    workspaceId = (await catalog.seedDefaults()).workspace.id;
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('seeds the defaults once', async () => {
    const again = await Promise.all([catalog.seedDefaults(), catalog.seedDefaults()]);
    expect(again.map(({ workspace, pod }) => [workspace.id, workspace.timezone, pod.slug])).toEqual([
      [workspaceId, 'UTC', 'default'],
      [workspaceId, 'UTC', 'default'],
    ]);
  });

  it('finds the principal of a key until it is revoked', async () => {
    const hash = hashApiKey('secret');
    const key = await catalog.createApiKey({ workspaceId, podId: null, name: 'first', role: 'admin', dialect: null, prefix: 'rl_abc', hash, userId: null, at: 5 });
    expect(await catalog.apiKeyByHash(hash)).toMatchObject({ key: { id: key.id, createdAt: 5, role: 'admin' }, workspace: { id: workspaceId }, pod: { slug: 'default' } });
    expect(await catalog.revokeApiKey(workspaceId, key.id, 9)).toBe(true);
    expect(await catalog.apiKeyByHash(hash)).toBeNull();
    expect(await catalog.apiKeyByHash(hashApiKey('other'))).toBeNull();
  });

  it('creates a workflow once per key, and publishes a version only when something changed', async () => {
    const publishing = { workspaceId, definition: definition('one'), by: null, at: 10 };
    const { created, workflow, version } = await catalog.createWorkflow(publishing);
    expect([created, version.number]).toEqual([true, 1]);
    expect(await catalog.createWorkflow(publishing)).toMatchObject({ created: false, workflow: { id: workflow.id } });
    expect(await catalog.publishVersion(workflow.id, publishing)).toMatchObject({ published: false, version: { number: 1 } });
    expect(await catalog.publishVersion(workflow.id, { ...publishing, definition: definition('one', 'Two') })).toMatchObject({
      published: true,
      workflow: { currentVersion: 2, name: 'Two' },
      version: { number: 2 },
    });
    expect(await catalog.workflow(workspaceId, 'one')).toMatchObject({ id: workflow.id, currentVersion: 2 });
    expect((await catalog.workflowVersions(workspaceId, workflow.id)).map((v) => v.number)).toEqual([2, 1]);
    expect(await catalog.workflowVersion(version.id)).toMatchObject({ workflowId: workflow.id, definition: definition('one') });
    await expect(database.query('update workflow_versions set number = 9')).rejects.toThrow('to stay as published');
    expect((await catalog.workflows(workspaceId, { limit: 2 })).map((w) => w.key)).toEqual(['one']);
  });

  it('never gives a number twice', async () => {
    const { workflow } = await catalog.createWorkflow({ workspaceId, definition: definition('numbers'), by: null, at: 10 });
    const taken = await Promise.all(Array.from({ length: 100 }, () => catalog.takeRunNumber(workflow.id)));
    const drawn = await Promise.all([catalog.nextRunNumbers(workflow.id, 3), catalog.nextRunNumbers(workflow.id, 2)]);
    expect(new Set([...taken, ...drawn.flat()]).size).toBe(105);
    expect(taken[0]).toBe(1);
    const hashids = await Promise.all([catalog.takeHashid(workspaceId), catalog.takeHashid(workspaceId)]);
    expect(hashids.every((hashid) => /^[A-Za-z0-9]{5,}$/.test(hashid))).toBe(true);
  });

  it('keeps secrets by name', async () => {
    expect(await catalog.putSecret(workspaceId, 'token', { ciphertext: 'a', keyId: 'k' }, 1)).toEqual({ created: true });
    expect(await catalog.putSecret(workspaceId, 'token', { ciphertext: 'b', keyId: 'k' }, 2)).toEqual({ created: false });
    expect(await catalog.secret(workspaceId, 'token')).toMatchObject({ ciphertext: 'b', createdAt: 1, updatedAt: 2 });
    expect((await catalog.secrets(workspaceId)).map((s) => s.name)).toEqual(['token']);
    expect([await catalog.deleteSecret(workspaceId, 'token'), await catalog.deleteSecret(workspaceId, 'token')]).toEqual([true, false]);
  });

  it('gives an idempotency key to one, and its answer to the others', async () => {
    const opening = { workspaceId, route: 'POST /x', key: 'k', fingerprint: 'f', executionId: null, commandId: 'c', at: 1_000 };
    const begun = await Promise.all([catalog.beginIdempotent(opening), catalog.beginIdempotent(opening)]);
    expect(begun.map((b) => b.fresh).sort()).toEqual([false, true]);
    await catalog.finishIdempotent(workspaceId, 'POST /x', 'k', 201, { id: 'e' });
    expect(await catalog.beginIdempotent(opening)).toMatchObject({ fresh: false, record: { status: 201, response: { id: 'e' }, fingerprint: 'f' } });
    expect(await catalog.beginIdempotent({ ...opening, at: 1_001 + 24 * 3600 * 1000 })).toEqual({ fresh: true });
  });
});
