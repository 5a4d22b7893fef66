import pg from 'pg';

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

  async query<Row>(workspaceId: string, text: string, values?: readonly unknown[], name?: string): Promise<Row[]> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    const lost = (cause: Error): void => {
      broken = cause;
    };
    client.on('error', lost);
    try {
      if (this.#workspaceOf.get(client) !== workspaceId) {
        this.#workspaceOf.delete(client);
        await client.query({ name: 'be-tenant', text: "select set_config('runlog.workspace', $1, false)", values: [workspaceId] });
        this.#workspaceOf.set(client, workspaceId);
      }
      const given = { text, values: values as unknown[] };
      return (await client.query(name === undefined ? given : { name, ...given })).rows as Row[];
    } finally {
      client.off('error', lost);
      client.release(broken);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
