import { readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Running } from './standalone.js';

/** A server that answers a POST with the very bytes that it was sent. */
export const startEcho = async (): Promise<{ readonly url: string; readonly server: Server }> => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.setHeader('content-type', 'application/json').end(Buffer.concat(chunks));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
};

/** Rows that take about `bytes` as JSON. */
export const rows = (bytes: number): { readonly id: number; readonly text: string }[] =>
  Array.from({ length: Math.floor(bytes / 100) }, (_, id) => ({ id, text: 'ü'.repeat(30) + 'x'.repeat(16) }));

/** An answer as it came, byte by byte. */
export const fetchRaw = async ({ url, key }: Pick<Running, 'url' | 'key'>, path: string, init: RequestInit = {}) => {
  const response = await fetch(path.startsWith('http') ? path : `${url}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
};

/** The files of an artifact folder, without their folders. */
export const filesIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
};
