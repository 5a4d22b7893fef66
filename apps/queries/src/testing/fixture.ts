import { createPostgresLog, type EventLog } from '@runlog/event-log';
import type { CreatedData } from '@runlog/execution';
import { createLogger, type Logger } from '@runlog/platform';
import { Catalog, createDatabase, type Database } from '@runlog/read-model';
import { startTestDatabase } from '@runlog/testing';
import { type QueriesDeps, QueriesService } from '../queries.service.js';
import { Recorder } from './recorder.js';

const logger = createLogger('queries-spec', { logLevel: 'fatal' });

/** The station on a database and a log of its own, with a workspace, a workflow of the nodes 'a' and 'b', and somebody who records what the station reads. */
export class Fixture {
  #queries: QueriesService | undefined;

  private constructor(
    /** What the station, its rebuild and its check are made of. */
    readonly parts: { readonly databaseUrl: string; readonly database: Database; readonly catalog: Catalog; readonly log: EventLog; readonly logger: Logger },
    readonly workspaceId: string,
    /** The workflow and its version, as a create settles them. */
    readonly pinned: Pick<CreatedData, 'workflow_id' | 'workflow_version_id'>,
    readonly recorder: Recorder,
    private readonly stopServer: () => Promise<void>,
  ) {}

  static async start(): Promise<Fixture> {
    const server = await startTestDatabase();
    const { connectionString } = server;
    const database = await createDatabase({ url: connectionString });
    const catalog = new Catalog(database);
    const workspaceId = (await catalog.seedDefaults()).workspace.id;
    const definition = { key: 'workflow', name: 'Workflow', nodes: ['a', 'b'].map((id) => ({ id, type: 'code', name: id.toUpperCase(), config: {} })), edges: [] };
    const { workflow, version } = await catalog.createWorkflow({ workspaceId, definition, by: null, at: 1 });
    const log = createPostgresLog({ connectionString });
    await log.start();
    const recorder = new Recorder(log, workspaceId);
    await recorder.start();
    const pinned = { workflow_id: workflow.id, workflow_version_id: version.id };
    const parts = { databaseUrl: connectionString, database, catalog, log, logger };
    return new Fixture(parts, workspaceId, pinned, recorder, () => server.stop());
  }

  /** Starts the station, in place of the one that ran before. */
  async serve(more: Pick<QueriesDeps, 'metrics' | 'traces'> = {}): Promise<QueriesService> {
    await this.#queries?.stop();
    this.#queries = this.station(more);
    await this.#queries.start();
    return this.#queries;
  }

  /** Another one, as in another process, that is not started. */
  station(more: Pick<QueriesDeps, 'metrics' | 'traces'> = {}): QueriesService {
    return new QueriesService({ ...this.parts, ...more });
  }

  async stop(): Promise<void> {
    await this.recorder.stop();
    await this.#queries?.stop();
    await this.parts.log.stop();
    await this.parts.database.close();
    await this.stopServer();
  }
}
