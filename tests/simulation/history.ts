import { createHash } from 'node:crypto';
import type { LogRecord } from '@runlog/event-log';
import type { Json } from '@runlog/execution';

/** An event that counts, read by rules of this suite's own: no code of the product. */
export interface Fact {
  readonly type: string;
  readonly data: { readonly [member: string]: Json };
  readonly id: string;
  readonly previous: string;
  readonly executionId: string;
  readonly version: number;
  readonly at: number;
  readonly commandId: string;
  readonly commandOffset: number;
  readonly partition: number;
  readonly offset: number;
  readonly landedAt: number;
  readonly hash: string;
}

/** The claim rule again: what counts is under the last claim before it. */
export class History {
  readonly facts: Fact[] = [];
  readonly byExecution = new Map<string, Fact[]>();
  readonly ids = new Set<string>();
  /** Ids of events that count for nobody, unless the same event was written again and counts. */
  readonly voidIds = new Set<string>();
  readonly #claims = new Map<number, number>();

  /** The event that it holds, if it counts. */
  add(record: LogRecord): Fact | undefined {
    const { headers, partition } = record;
    if (headers.ce_type === 'Claim') {
      this.#claims.set(partition, record.offset);
      return undefined;
    }
    if (Number(headers.ce_claim) !== this.#claims.get(partition)) {
      this.voidIds.add(headers.ce_id ?? '');
      return undefined;
    }
    const fact = factOf(record);
    this.facts.push(fact);
    this.ids.add(fact.id);
    const own = this.byExecution.get(fact.executionId);
    if (own) own.push(fact);
    else this.byExecution.set(fact.executionId, [fact]);
    return fact;
  }
}

const factOf = ({ headers, partition, offset, at, value }: LogRecord): Fact => {
  const of = (name: string): string => headers[name] ?? '';
  const digest = createHash('sha256');
  const fields = [
    of('ce_previous'),
    of('ce_subject'),
    of('ce_version'),
    of('ce_type'),
    of('ce_schemaversion'),
    of('ce_commandid'),
    of('ce_commandoffset'),
    of('ce_workspace'),
    String(Date.parse(of('ce_time'))),
  ];
  for (const field of [...fields.map((text) => Buffer.from(text)), value]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    digest.update(length).update(field);
  }
  return {
    type: of('ce_type'),
    data: JSON.parse(value.toString()),
    id: of('ce_id'),
    previous: of('ce_previous'),
    executionId: of('ce_subject'),
    version: Number(of('ce_version')),
    at: Date.parse(of('ce_time')),
    commandId: of('ce_commandid'),
    commandOffset: Number(of('ce_commandoffset')),
    partition,
    offset,
    landedAt: at,
    hash: digest.digest('hex'),
  };
};
