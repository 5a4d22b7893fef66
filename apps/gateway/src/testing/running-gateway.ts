import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileArtifacts } from '@runlog/artifacts';
import { CommandsService } from '@runlog/commands';
import { createPostgresLog } from '@runlog/event-log';
import { createLogger, createMetrics, freePort, HealthRegistry, nestLogger, readConfig } from '@runlog/platform';
import { QueriesService } from '@runlog/queries';
import { Catalog, createDatabase, SecretBox, secretKeyIn } from '@runlog/read-model';
import { startTestDatabase, until } from '@runlog/testing';
import { GatewayModule } from '../gateway.module.js';
import { GatewayService } from '../gateway.service.js';
import { openGateway } from '../http/application.js';

export const adminKey = 'rl_test_admin_key_0123456789';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** A gateway on a free port over the real log, engine and read models, in this process. */
export interface RunningGateway {
  readonly url: string;
  readonly service: GatewayService;
  readonly catalog: Catalog;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Publishes it under a key of its own; resolves with the key. */
  publish(definition: { nodes: object[]; edges: object[]; [member: string]: unknown }): Promise<string>;
  /** Resolves once lists have this version of the execution, or a later one. */
  listed(execution: { readonly id: string; readonly version: number }): Promise<void>;
  stop(): Promise<void>;
}

let published = 0;

export const startGateway = async (env: Record<string, string> = {}): Promise<RunningGateway> => {
  const home = await mkdtemp(join(tmpdir(), 'runlog-gateway-'));
  const postgres = await startTestDatabase();
  const config = readConfig({ RUNLOG_ADMIN_KEY: adminKey, RUNLOG_HOME: home, RUNLOG_PARTITIONS: '2', RUNLOG_RATE_LIMIT: '0', LOG_LEVEL: 'silent', ...env });
  const logger = createLogger('test', config);
  const database = await createDatabase({ url: postgres.connectionString });
  const log = createPostgresLog({ connectionString: postgres.connectionString, partitions: config.partitions, logger });
  await log.start();
  const catalog = new Catalog(database);
  const queries = new QueriesService({ database, log, catalog, logger });
  const artifacts = fileArtifacts(config.artifacts, config.artifactLimitBytes);
  const commands = new CommandsService({ log, database, catalog, artifacts, logger });
  await queries.start();
  await commands.start();
  const sealing = new SecretBox(await secretKeyIn(home));
  const service = new GatewayService({ log, reads: queries.reads, catalog, artifacts, sealing, config, logger, health: new HealthRegistry(), metrics: createMetrics('test') });
  const port = await freePort();
  const app = await openGateway(GatewayModule.of(service), { host: '127.0.0.1', port, logger: nestLogger(logger) });
  const url = `http://127.0.0.1:${port}`;
  const call: RunningGateway['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json\b/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, text, body: isJson && !text.includes('\n') ? JSON.parse(text) : text };
  };
  await until('the gateway is ready', async () => (await call('GET', '/health/ready')).status === 200);
  return {
    url,
    service,
    catalog,
    call,
    publish: async (definition) => {
      const key = `workflow_${++published}`;
      const { status, text } = await call('POST', '/api/v1/workflows', { key, name: `Workflow ${published}`, ...definition });
      if (status !== 201) throw new Error(`Expected to publish '${key}', but got ${status}: ${text}`);
      return key;
    },
    listed: async ({ id, version }) => {
      await until(`version ${version} of '${id}' is listed`, async () => (await call('GET', `/api/v1/executions/${id}?min_version=${version}`)).status === 200);
    },
    stop: async () => {
      await app.close();
      await commands.stop();
      await queries.stop();
      await log.stop();
      await database.close();
      await postgres.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
};

/** Doubles a number, asks whether it is large, and wraps it if so. */
export const pureDefinition = {
  input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } },
  nodes: [
    { id: 'double', type: 'transform', config: { expression: 'input.n * 2' } },
    { id: 'large', type: 'condition', config: { expression: 'nodes.double > 10' } },
    { id: 'wrap', type: 'transform', config: { expression: '{ "value": nodes.double }' } },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'double' },
    { from: 'double', to: 'large' },
    { from: 'large', to: 'wrap', branch: 'true' },
  ],
};

/** Asks for approval, then passes the answer on. */
export const askingDefinition = {
  nodes: [
    { id: 'ask', type: 'approval', config: { prompt: 'Pay {{ input.total }}?' } },
    { id: 'pass', type: 'transform', config: { expression: 'nodes.ask.decision' } },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'ask' },
    { from: 'ask', to: 'pass' },
  ],
};
