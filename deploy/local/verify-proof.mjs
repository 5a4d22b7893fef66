// Checks the history of an execution offline, with nothing of Runlog's: recomputes the id of every event and follows the chain.
//   curl .../executions/{id}/events?limit=1000 > events.json     (every page: further files, or one page after the other in one file)
//   curl .../executions/{id}/proof > proof.json                  (kept somewhere safe: it says how long the history is and where it ends)
//   node deploy/local/verify-proof.mjs events.json [more.json ...] [--proof proof.json]
// Exits with 0 when the history is the recorded one, with 1 and every finding when it is not, with 2 when it can't be read.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** SHA-256 over ten fields, each its length in bytes (4, big endian) and then its UTF-8 bytes. `data` as JSON without blanks, as it came. */
export const idOf = (event) => {
  const { previous, execution_id, version, type, schema_version, command_id, command_offset, workspace_id, at, data } = event;
  const digest = createHash('sha256');
  for (const field of [previous, execution_id, version, type, schema_version, command_id, command_offset, workspace_id, Date.parse(at), JSON.stringify(data)]) {
    const bytes = Buffer.from(String(field));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  }
  return digest.digest('hex');
};

/** What is wrong with a history, oldest event first; empty when nothing is. Only a proof kept before tells that its end is missing or made up. */
export const findings = (events, proof) => {
  const found = [];
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    const due = (before?.version ?? 0) + 1;
    if (event.version > due) found.push(`version ${due}${event.version - 1 > due ? ` to ${event.version - 1}` : ''} is missing`);
    else if (event.version < due) found.push(`version ${event.version} (${event.type}) comes where version ${due} is due`);
    else if (event.previous !== (before?.id ?? '')) found.push(`version ${event.version} (${event.type}) does not follow the event before it: one of them was inserted or changed`);
    if (event.execution_id !== events[0].execution_id) found.push(`version ${event.version} is of another execution, ${event.execution_id}`);
    if (idOf(event) !== event.id) found.push(`version ${event.version} (${event.type}) was changed: its content does not give its id`);
  }
  if (!proof) return events.length === 0 ? ['there are no events'] : found;
  const last = events.at(-1);
  if (events[0] && events[0].execution_id !== proof.execution_id) found.push(`the proof is of another execution, ${proof.execution_id}`);
  if (events.length < proof.length) found.push(`there are ${events.length} events, and the proof has ${proof.length}`);
  const tip = events.length > proof.length ? events[proof.length - 1] : last;
  if (tip?.id !== proof.tip) found.push(`event ${proof.length} is not the one that the proof ends with`);
  if (!proof.valid) found.push('the proof itself says that it is not valid');
  return found;
};

/** Events of every page in a text: one JSON document or several, each a list of the API, an array of events or one event. */
export const eventsIn = (text) => {
  const documents = [];
  for (let start = 0, depth = 0, quoted = false, at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') {
      if (depth++ === 0) start = at;
    } else if ((char === '}' || char === ']') && --depth === 0) documents.push(JSON.parse(text.slice(start, at + 1)));
  }
  return documents.flatMap((document) => (Array.isArray(document) ? document : document.data && document.object === 'list' ? document.data : [document]));
};

const main = (args) => {
  const at = args.indexOf('--proof');
  const proofFile = at < 0 ? undefined : args[at + 1];
  const files = args.filter((arg, index) => !arg.startsWith('--') && (at < 0 || index !== at + 1));
  if (files.length === 0) throw new Error('Expected the file of a history: node verify-proof.mjs events.json [more.json ...] [--proof proof.json]');
  const events = files.flatMap((file) => eventsIn(readFileSync(file, 'utf8')));
  const found = findings(events, proofFile && JSON.parse(readFileSync(proofFile, 'utf8')));
  for (const finding of found) process.stdout.write(`${finding}\n`);
  if (found.length === 0) process.stdout.write(`${events.length} events of ${events[0].execution_id} are as recorded; the last is ${events.at(-1).id}\n`);
  return found.length === 0 ? 0 : 1;
};

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
