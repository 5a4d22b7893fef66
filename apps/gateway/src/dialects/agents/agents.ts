import type { Json } from '@runlog/execution';
import { ksuidOf } from '../../ids.js';
import { type Dialect, type ProblemBody, pick } from '../dialect.js';
import { statusWords } from '../status-words.js';

/** Invocations of agents, as its client libraries read them: ids are KSUIDs, one execution stands in `data`. */
export const agents: Dialect = {
  name: 'agents',
  fields: [
    'id',
    'execution_id',
    'agent_id',
    'agent_version_id',
    'workspace_id',
    'user_id',
    'session_id',
    'status',
    'is_terminal',
    'input',
    'output',
    'error',
    'metadata',
    'token_usage',
    'cost',
    'duration_ms',
    'trace_id',
    'started_at',
    'completed_at',
    'created_at',
  ],
  parts: {},
  execution: ({ execution }) => {
    const { prompt_tokens, completion_tokens, total_tokens } = execution.token_usage;
    return {
      id: ksuidOf(execution.id),
      execution_id: ksuidOf(execution.id),
      agent_id: ksuidOrNull(execution.agent_id),
      agent_version_id: ksuidOrNull(execution.agent_version_id),
      workspace_id: ksuidOf(execution.workspace_id),
      user_id: ksuidOrNull(execution.user_id),
      session_id: execution.session_id,
      status: statusWords.agents[execution.status],
      is_terminal: execution.is_terminal,
      input: execution.input,
      output: execution.output === null ? null : asObject(execution.output),
      ...pick(execution, ['error', 'metadata']),
      token_usage: { prompt_tokens, completion_tokens, total_tokens },
      ...pick(execution, ['cost', 'duration_ms', 'trace_id', 'started_at', 'completed_at', 'created_at']),
    };
  },
  one: (data) => ({ data }),
  list: ({ data, meta }) => ({ body: { data, meta } }),
  keepsLine: true,
  paging: { limit: 20, numbered: true },
  says: { create: { names: { input: 'input', metadata: 'metadata', session_id: 'session_id', version_id: 'version_id', workflow_id: 'workflow_id', agent_id: 'agent_id' } } },
  wantsAnswerAtOnce: ({ async_mode, sync }) => async_mode === true || sync === false,
  problem: (problem) => ({ error: errorOf(problem) }),
  // Its published client repeats a request that got a 422.
  problemStatuses: { 422: 400 },
};

const ksuidOrNull = (id: string | null): string | null => (id === null ? null : ksuidOf(id));

/** An output that is no object, as one. */
export const asObject = (output: Json): Json => (typeof output === 'object' && output !== null && !Array.isArray(output) ? output : { response: output });

/** `error` of a problem, as the clients of agents and pods look for it. */
export const errorOf = ({ detail, code, errors, state }: ProblemBody): object => ({
  message: detail,
  code,
  details: { ...(errors.length > 0 ? { errors } : {}), ...(state === undefined ? {} : { state }) },
});
