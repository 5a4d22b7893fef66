import type { ExecutionResource, ExecutionView, GateView, ListResource, LogLineResource, NodeResource } from '@runlog/contract';
import type { RespondBody } from '../executions/verbs.dto.js';
import type { ProblemPointer } from '../http/problem.js';
import type { EventPosition, EventScript } from '../streams/event-script.js';

/** What an answer may sound like. A key may carry one as its default. */
export const dialectNames = ['canonical', 'kinetic', 'pods', 'agents', 'worker-runs', 'action-graph'] as const;
export type DialectName = (typeof dialectNames)[number];

/** What an answer may need besides the row of an execution. */
export type Part = 'template' | 'execution_data' | 'stats' | 'nodes' | 'logs';

/** All that a dialect is told of an execution: the canonical resource, and of the rest the parts that it asked for. */
interface Source {
  readonly execution: ExecutionResource;
  /** Part `nodes`: every node of the template, in its order. */
  readonly nodes: readonly NodeResource[];
  /** Part `logs`: the last lines, oldest first. */
  readonly logs: readonly LogLineResource[];
}

export type Shown = Readonly<Record<string, unknown>>;

/** A page of a list. `here`: the absolute URL that was asked for, for links to its neighbours. */
export interface Page<Item = Shown> extends ListResource<Item> {
  readonly here: string;
}

interface Listed {
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem as canonical callers see it. */
export interface ProblemBody {
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly errors: readonly ProblemPointer[];
  readonly state?: unknown;
}

/** What a member of a request means: our name for it, and how its value reads. A value that can't be read throws a problem. */
type Meaning = string | { readonly to: string; readonly read: (given: unknown) => unknown };

/** What a body or query says by which names; of several for the same the first counts. `more`: it may say all that a canonical one may. */
export interface Vocabulary {
  readonly names: Readonly<Record<string, Meaning>>;
  readonly more?: true;
}

/** A published API as pure functions from (and to) the canonical one. */
export interface Dialect {
  readonly name: DialectName;
  /** Members of an execution, in order: exactly these are shown. */
  readonly fields: readonly string[];
  /** Which of them need more than the row of an execution. */
  readonly parts: Readonly<Record<string, Part>>;
  /** Lists leave the parts out unless `expand` names them. */
  readonly leanLists?: true;
  execution(source: Source): Shown;
  /** What is around one execution. Default: nothing. */
  one?(execution: Shown): unknown;
  /** Default: the canonical envelope. */
  list?(page: Page): Listed;
  /** There is no list of executions. */
  readonly listless?: true;
  /** `limit` where none is asked; `numbered`: pages have numbers, and `meta` is always there. */
  readonly paging?: { readonly limit: number; readonly numbered: boolean };
  /** In lists the id of an execution is as good as a cursor. */
  readonly idsAreCursors?: true;
  /** The stream of events, where it is not the canonical one. `before`: the execution as it stood there; null: from its beginning. */
  readonly events?: {
    /** null: not an id of this stream. */
    positionOf(id: string): EventPosition | null;
    script(before: ExecutionView | null, from: EventPosition): EventScript;
  };
  logLine?(line: LogLineResource): unknown;
  logs?(page: Page<LogLineResource>): Listed;
  /** Its clients take silence for failure: whoever waits for an answer to a POST hears something now and again. */
  readonly keepsLine?: true;
  /** Members of a problem besides the canonical ones. */
  problem?(problem: ProblemBody): object;
  /** Some HTTP statuses are others here. */
  readonly problemStatuses?: Readonly<Record<number, number>>;
  /** Default: as canonical requests. Whatever else a request holds is passed over. */
  readonly says?: { readonly create?: Vocabulary; readonly respond?: Vocabulary; readonly replay?: Vocabulary; readonly list?: Vocabulary };
  /** Whether the body of a create wants its answer at once, however long waiting is usual. */
  wantsAnswerAtOnce?(body: Shown): boolean;
  /** An answer to a gate, once the gates are known. */
  respond?(body: RespondBody, gates: readonly GateView[]): RespondBody;
}

/** Ended, and not as somebody who waits for a result hoped: what dialects without the word say as `error`. */
export const endingOf = ({ status, error, status_reason, cancelled_by }: ExecutionResource): string | null => {
  if (status !== 'cancelled') return error;
  if (status_reason === 'superseded') return 'The execution was superseded by a retry';
  return `The execution was cancelled by ${cancelled_by}${status_reason === null ? '' : `: ${status_reason}`}`;
};

/** The members that are named, in that order. */
export const pick = <Name extends keyof ExecutionResource>(execution: ExecutionResource, names: readonly Name[]): Pick<ExecutionResource, Name> =>
  Object.fromEntries(names.map((name) => [name, execution[name]])) as Pick<ExecutionResource, Name>;
