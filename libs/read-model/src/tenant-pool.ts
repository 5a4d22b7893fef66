import pg from 'pg';
import { onClient } from './on-client.js';

export interface TenantPoolOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly applicationName: string;
  readonly types: { getTypeParser(oid: number, format?: 'text' | 'binary'): unknown };
  /** Looked into before `public`. */
  readonly schema?: string;
}

/**
 * Connections of role `runlog_tenant`, which row-level security confines to the workspace in the setting `runlog.workspace`. A connection keeps its
 * workspace until another one needs it: one more round trip then, none otherwise.
 */
export class TenantPool {
  readonly #pool: pg.Pool;
  readonly #workspaceOf = new WeakMap<pg.PoolClient, string>();

  constructor({ url, poolSize, applicationName, types, schema }: TenantPoolOptions) {
    const options = `-c role=runlog_tenant -c jit=off${schema === undefined ? '' : ` -c search_path=${schema},public`}`;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: poolSize,
      application_name: `${applicationName} tenants`,
      types: types as pg.CustomTypesConfig,
      keepAlive: true,
      options,
    });
    // A connection that ends while idle is replaced when it is needed.
    this.#pool.on('error', () => undefined);
  }

  /** Runs `work` on a connection that is confined to the workspace. */
  as<Result>(workspaceId: string, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    return onClient(this.#pool, async (client) => {
      if (this.#workspaceOf.get(client) !== workspaceId) {
        this.#workspaceOf.delete(client);
        await client.query({ name: 'be-tenant', text: "select set_config('runlog.workspace', $1, false)", values: [workspaceId] });
        this.#workspaceOf.set(client, workspaceId);
      }
      return work(client);
    });
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
