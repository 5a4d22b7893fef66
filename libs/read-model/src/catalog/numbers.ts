import Sqids, { defaultOptions } from 'sqids';
import type { Sql } from '../database.js';

const LEAST_LENGTH = 5;
const careful = new Sqids({ minLength: LEAST_LENGTH });
const careless = new Sqids({ minLength: LEAST_LENGTH, blocklist: new Set() });

/** Whether an id may be one that sqids passes over: it looks for each of its 560 words in turn. Words shorter than an id's least length only count when they are all of it. */
const mayBeBlocked = new RegExp([...defaultOptions.blocklist].filter((word) => word.length > 3).join('|'), 'i');

/** Five characters or more, letters and digits only. */
export const hashidOf = (sequence: number): string => {
  const id = careless.encode([sequence]);
  return mayBeBlocked.test(id) ? careful.encode([sequence]) : id;
};

const draw = async (sql: Sql, table: 'workflows' | 'workspaces', column: 'next_run' | 'next_hashid', id: string, n: number): Promise<number[]> => {
  const [row] = await sql.query<{ next: number }>(`update ${table} set ${column} = ${column} + $2 where id = $1 returning ${column} as next`, [id, n], `draw-${table}`);
  if (!row) throw new Error(`Expected to draw numbers for '${id}' of ${table}, but it is not there`);
  return Array.from({ length: n }, (_, i) => row.next - n + i);
};

export const drawRunNumbers = (sql: Sql, workflowId: string, n: number): Promise<number[]> => draw(sql, 'workflows', 'next_run', workflowId, n);
export const drawHashids = async (sql: Sql, workspaceId: string, n: number): Promise<string[]> => (await draw(sql, 'workspaces', 'next_hashid', workspaceId, n)).map(hashidOf);

const LARGEST_BLOCK = 64;

/**
 * Hands out what `drawBlock` gives, one at a time. Blocks double while demand lasts, up to 64, so that a quiet installation shows no gaps
 * and a busy one makes one look-up per 64 creates. Never hands out the same twice; what is left at exit is a gap.
 */
export class Blocks<Item> {
  readonly #left = new Map<string, { items: Item[]; size: number; drawing?: Promise<void> }>();

  constructor(private readonly drawBlock: (owner: string, n: number) => Promise<Item[]>) {}

  async take(owner: string): Promise<Item> {
    let block = this.#left.get(owner);
    if (!block) this.#left.set(owner, (block = { items: [], size: 0 }));
    while (block.items.length === 0) {
      const current = block;
      current.drawing ??= this.#refill(owner, current).finally(() => {
        current.drawing = undefined;
      });
      await current.drawing;
    }
    return block.items.shift() as Item;
  }

  async #refill(owner: string, block: { items: Item[]; size: number }): Promise<void> {
    block.size = Math.min(LARGEST_BLOCK, Math.max(1, block.size * 2));
    block.items.push(...(await this.drawBlock(owner, block.size)));
  }
}
