import type { Product } from '../product.js';

export interface PodFrame {
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: frames of every shape
  readonly data: any;
}

/** One connection, read to its end with nothing but fetch: the bytes, and what they say. */
export const connect = async (product: Pick<Product, 'url' | 'dialectKey'>, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${product.url}${path}`, { headers: { 'X-API-Key': product.dialectKey, ...headers } });
  const text = await response.text();
  const frames = text.split('\n\n').flatMap((block): PodFrame[] => {
    const line = (name: string) =>
      block
        .split('\n')
        .find((one) => one.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    const data = line('data');
    return data === undefined ? [] : [{ id: line('id'), data: JSON.parse(data) }];
  });
  return { status: response.status, headers: response.headers, text, frames };
};

/** As a client that reconnects by itself: goes on after the last id until the server has nothing more (204). */
export const follow = async (product: Pick<Product, 'url' | 'dialectKey'>, path: string, from = ''): Promise<{ frames: PodFrame[]; connections: number }> => {
  const frames: PodFrame[] = [];
  let last = from;
  for (let connections = 1; ; connections++) {
    const one = await connect(product, path, last === '' ? {} : { 'Last-Event-ID': last });
    if (one.status === 204) return { frames, connections };
    if (one.status !== 200) throw new Error(`Expected a stream, but got ${one.status}: ${one.text}`);
    frames.push(...one.frames);
    last = one.frames.findLast(({ id }) => id !== undefined)?.id ?? last;
  }
};
