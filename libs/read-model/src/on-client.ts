import type pg from 'pg';

/** Runs `work` on a connection of the pool, which has it back afterwards; one that broke meanwhile, or that `work` calls broken, is closed instead. */
export const onClient = async <Result>(pool: pg.Pool, work: (client: pg.PoolClient, broke: (cause: Error) => void) => Promise<Result>): Promise<Result> => {
  const client = await pool.connect();
  let broken: Error | undefined;
  const broke = (cause: Error): void => {
    broken = cause;
  };
  client.on('error', broke);
  try {
    return await work(client, broke);
  } finally {
    client.off('error', broke);
    client.release(broken);
  }
};
