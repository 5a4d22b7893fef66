import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** A block of a page that a reader may copy, and what the page notes about it for tests. */
export interface Block {
  readonly note: string;
  readonly text: string;
}

const blocks = async (page: string, kind: string, language: string): Promise<Block[]> => {
  const text = await readFile(resolve(page), 'utf8');
  const pattern = new RegExp(`<!-- ${kind}: (.*) -->\\n\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\``, 'g');
  return [...text.matchAll(pattern)].map(([, note = '', block = '']) => ({ note, text: block }));
};

/** Shell snippets of a page by name, in order. */
export const snippetsOf = async (page: string): Promise<ReadonlyMap<string, string>> => new Map((await blocks(page, 'snippet', 'sh')).map(({ note, text }) => [note, text]));

/** JSON examples of a page. */
export const examplesOf = (page: string): Promise<Block[]> => blocks(page, 'example', 'json');

/** Runs a snippet with bash as a reader would; resolves with what it printed, rejects when a command fails. */
export const bash = (snippet: string, { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> }): Promise<string> =>
  new Promise((done, fail) => {
    const { RUNLOG_URL: _url, RUNLOG_API_KEY: _key, ...inherited } = process.env;
    execFile('bash', ['-euo', 'pipefail', '-c', snippet], { cwd, env: { ...inherited, ...env }, timeout: 30_000 }, (error, stdout, stderr) =>
      error ? fail(new Error(`Expected a snippet to succeed, but ${error.message}\n${stdout}\n${stderr}`)) : done(stdout),
    );
  });

/** The JSON documents in what several curl calls printed one after the other. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
export const documentsIn = (printed: string): any[] => {
  const documents: unknown[] = [];
  let rest = printed.trim();
  for (let end = 1; rest && end <= rest.length; end++) {
    if (rest[end - 1] !== '}') continue;
    try {
      documents.push(JSON.parse(rest.slice(0, end)));
    } catch {
      continue;
    }
    rest = rest.slice(end).trim();
    end = 0;
  }
  if (rest) throw new Error(`Expected JSON, but got ${rest.slice(0, 500)}`);
  return documents;
};
