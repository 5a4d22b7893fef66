import type { LogLine, LogLineResource } from '@runlog/contract';
import { utc } from './execution-times.js';

/** A stored log line as the API shows it. */
export const logLine = ({ seq, at, level, node_id, attempt, message, fields }: LogLine): LogLineResource => ({ seq, at: utc(at), level, node_id, attempt, message, fields });
