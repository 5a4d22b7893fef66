import type { Json, NodeTask } from '@runlog/execution';
import type { Frames } from './frames.js';
import type { LogLevel } from './kinds/node-kind.js';
import { cleanText, storable } from './plain-json.js';
import type { Redaction } from './redaction.js';

const MAX_LINES = 1_000;
const MAX_MESSAGE_CHARS = 8_192;
const MAX_FIELDS_CHARS = 16_384;

/** The log lines of one attempt, redacted and bounded. */
export class NodeLog {
  #lines = 0;

  constructor(
    private readonly task: NodeTask,
    private readonly frames: Pick<Frames, 'log'>,
    private readonly redaction: Redaction,
  ) {}

  write = (level: LogLevel, message: string, fields: Json = null): void => {
    if (++this.#lines > MAX_LINES) return;
    const isLast = this.#lines === MAX_LINES;
    this.#send(isLast ? 'warn' : level, isLast ? `Only the first ${MAX_LINES - 1} lines are kept` : message, isLast ? null : fields);
  };

  /** How the attempt ended: shown however many lines came before. */
  end(level: LogLevel, message: string, fields: Json): void {
    this.#send(level, message, fields);
  }

  #send(level: LogLevel, message: string, fields: Json): void {
    const { node, attempt } = this.task;
    const shown = cleanText(this.redaction.text(message)).slice(0, MAX_MESSAGE_CHARS);
    const text = fields === null ? '' : JSON.stringify(fields);
    const kept = fields === null || text.length > MAX_FIELDS_CHARS ? null : this.redaction.json(storable(fields, text), text);
    const line = { node, attempt, at: Date.now(), level, message: shown };
    this.frames.log(this.task, kept === null ? line : { ...line, fields: kept }, shown.length + text.length);
  }
}
