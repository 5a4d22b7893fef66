import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import type { AgentDefinition, WorkflowDefinition } from '@runlog/workflow';
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

  it('creates an agent with a workflow of its own, whose versions pin its versions', async () => {
    const definition: AgentDefinition = { key: 'helper', name: 'Helper', model: { provider: 'openai', name: 'm' }, tools: [], guardrails: [], limits: {} };
    const publishing = { workspaceId, definition, by: null, at: 10 };
    const created = await catalog.createAgent(publishing);
    if ('taken' in created) throw new Error('Expected the key to be free');
    const { agent, version } = created;
    const of = { agent_id: agent.id, agent_version_id: version.id, version: 1 };
    expect(await catalog.workflowVersion(version.workflowVersionId)).toMatchObject({ workflowId: agent.workflowId, number: 1, agents: { agent: { ...definition, ...of } } });
    expect(await catalog.createAgent(publishing)).toMatchObject({ taken: { id: agent.workflowId, agentId: agent.id } });
    expect(await catalog.createWorkflow({ ...publishing, definition: { key: 'helper', name: 'x', nodes: [], edges: [] } })).toMatchObject({ created: false });
    expect(await catalog.publishAgentVersion(agent.id, publishing)).toMatchObject({ published: false, version: { number: 1 } });
    const second = await catalog.publishAgentVersion(agent.id, { ...publishing, definition: { ...definition, name: 'Renamed' } });
    expect(second).toMatchObject({ published: true, agent: { currentVersion: 2, name: 'Renamed' }, version: { number: 2 } });
    expect(await catalog.workflow(workspaceId, 'helper')).toMatchObject({ currentVersion: 2, name: 'Renamed' });
    expect((await catalog.workflows(workspaceId, { limit: 100 })).map(({ key }) => key)).not.toContain('helper');
    expect((await catalog.agents(workspaceId, { limit: 100 })).map(({ key }) => key)).toEqual(['helper']);
    expect((await catalog.agentVersions(workspaceId, agent.id)).map(({ number }) => number)).toEqual([2, 1]);
    await expect(database.query('update agent_versions set number = 9')).rejects.toThrow('to stay as published');
  });

  it('publishes the same definition again once it pins another version of an agent', async () => {
    const publishing = { workspaceId, definition: { key: 'pinning', name: 'p', nodes: [], edges: [] }, by: null, at: 5 };
    const { workflow } = await catalog.createWorkflow({ ...publishing, agents: { it: 'one' } });
    expect(await catalog.publishVersion(workflow.id, { ...publishing, agents: { it: 'one' } })).toMatchObject({ published: false });
    expect(await catalog.publishVersion(workflow.id, { ...publishing, agents: { it: 'two' } })).toMatchObject({ published: true, version: { number: 2, agents: { it: 'two' } } });
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
    expect((await catalog.workflows(workspaceId, { limit: 1 })).map((w) => w.key)).toEqual(['one']);
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
