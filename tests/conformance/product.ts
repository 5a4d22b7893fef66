import { caller, type Running, startStandalone } from '../journeys/standalone.js';
import { until } from '../journeys/until.js';
import { publish } from '../journeys/workflows.js';

/** The standalone product, asked by its admin in canonical words, and by an unchanged client of some dialect. */
export interface Product extends Running {
  /** With an editor's key whose default is the dialect. */
  readonly as: Running['call'];
  readonly dialectKey: string;
  /** Another key of the workspace. */
  newKey(body: object): Promise<string>;
  publish(definition: Parameters<typeof publish>[1]): Promise<string>;
  /** Created by the admin; resolves once it has ended or a person must answer, at the latest after half a minute. */
  run(workflow: string, input?: unknown, more?: object): ReturnType<Running['call']>;
  /** The canonical execution, once `enough` says so. */
  once(id: string, what: string, enough: (execution: Execution) => boolean): Promise<Execution>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Execution = any;

export const startProduct = async (dialect: string, env: Record<string, string> = {}): Promise<Product> => {
  const running = await startStandalone({ env });
  const newKey = async (body: object): Promise<string> => {
    const { status, body: made } = await running.call('POST', '/api/v1/api-keys', { name: 'a client', role: 'editor', ...body });
    if (status !== 201) throw new Error(`Expected to make a key, but got ${status}: ${JSON.stringify(made)}`);
    return made.key;
  };
  const dialectKey = await newKey({ dialect });
  return {
    ...running,
    as: caller(running.url, dialectKey),
    dialectKey,
    newKey,
    publish: (definition) => publish(running, definition),
    run: (workflow, input, more = {}) => running.call('POST', `/api/v1/workflows/${workflow}/executions?wait=50`, { ...(input === undefined ? {} : { input }), ...more }),
    once: (id, what, enough) =>
      until(
        async () => {
          const { body } = await running.call('GET', `/api/v1/executions/${id}`);
          return enough(body) && body;
        },
        { what },
      ),
  };
};

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  null: (value) => value === null,
  string: (value) => typeof value === 'string' && value !== '',
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  int32: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  float: (value) => typeof value === 'number' && Number.isFinite(value),
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: Array.isArray,
  timestamp: (value) => typeof value === 'string' && RFC3339.test(value) && !Number.isNaN(Date.parse(value)),
  url: (value) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value),
  uuid: (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  ksuid: (value) => typeof value === 'string' && /^[0-9A-Za-z]{27}$/.test(value),
};

/** Members and their types as a page lists them: `type`, or `type | null`. */
export type Table = Readonly<Record<string, string>>;

/** Everything about a value that is not as the table says; empty: it has these members, each of its type, and no others. */
export const misfits = (value: unknown, table: Table): string[] => {
  if (typeof value !== 'object' || value === null) return [`expected an object, but got ${JSON.stringify(value)}`];
  const given = value as Record<string, unknown>;
  return [
    ...Object.keys(given).flatMap((name) => (name in table ? [] : [`${name} is too much`])),
    ...Object.entries(table).flatMap(([name, types]) => {
      if (!(name in given)) return [`${name} is missing`];
      const fits = types.split('|').some((type) => {
        const check = checks[type.trim()];
        if (!check) throw new Error(`Expected a known type of '${name}', but got '${type}'`);
        return check(given[name]);
      });
      return fits ? [] : [`${name} is no ${types}: ${JSON.stringify(given[name])}`];
    }),
  ];
};
