import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArtifactStore } from '@runlog/artifacts';
import type { ArtifactResource, ExecutionView, ListResource } from '@runlog/contract';
import type { BodyReference, Json } from '@runlog/execution';
import type { Principal } from '../auth/principal.js';
import { unknown } from '../http/problem.js';
import type { ExecutionReader } from './execution-reader.js';

/** A body of an execution under the name that it has there: stored, or part of an event. */
interface Named {
  readonly name: string;
  readonly node: string | null;
  readonly gate: string | null;
  readonly value: Json;
  readonly reference?: BodyReference | undefined;
}

/** A body as it goes out: what it is, and any part of it. */
export interface Servable {
  readonly reference: BodyReference;
  /** Bytes `from` to `to`, both included. */
  open(range?: { readonly from: number; readonly to: number }): Promise<Readable>;
}

/** The bodies of executions, one by one and of any size. */
export class Artifacts {
  constructor(
    private readonly reader: ExecutionReader,
    private readonly store: ArtifactStore,
  ) {}

  /** Those that are stored outside of events. */
  async list(who: Principal, ref: string, address: string): Promise<ListResource<ArtifactResource>> {
    const { view } = await this.reader.one(who, ref, { nodes: true });
    const data = bodiesOf(view).flatMap(({ name, node, gate, reference }) =>
      reference ? [{ object: 'artifact' as const, name, ...reference, node_id: node, gate_id: gate, url: `${address}/api/v1/executions/${view.id}/artifacts/${name}` }] : [],
    );
    return { object: 'list', data, has_more: false, next_cursor: null, prev_cursor: null };
  }

  /** Throws a 404 problem: the execution has no such body, or not yet. */
  async one(who: Principal, ref: string, name: string): Promise<Servable> {
    const { view } = await this.reader.one(who, ref, { nodes: true });
    const body = bodiesOf(view).find((one) => one.name === name);
    if (!body) throw unknown('artifact', name);
    const { reference, value } = body;
    if (reference) return { reference, open: (range) => this.store.open(view.workspace_id, reference, range) };
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    return {
      reference: { digest, bytes: bytes.length, media_type: 'application/json' },
      open: async (range) => Readable.from([range ? bytes.subarray(range.from, range.to + 1) : bytes]),
    };
  }
}

const bodiesOf = ({ status, input, input_ref, output, output_ref, nodes = {}, gates }: ExecutionView): Named[] => [
  { name: 'input.json', node: null, gate: null, value: input, reference: input_ref },
  ...(status === 'completed' ? [{ name: 'output.json', node: null, gate: null, value: output, reference: output_ref }] : []),
  ...Object.values(nodes).flatMap((node) =>
    node.status === 'completed' ? [{ name: nodeArtifact(node.node_id), node: node.node_id, gate: null, value: node.output, reference: node.output_ref }] : [],
  ),
  ...gates.flatMap(({ id, node_id, decided }) => (decided ? [{ name: `gates.${id}.json`, node: node_id, gate: id, value: decided.answer, reference: decided.answer_ref }] : [])),
];

/** The name of a node's output. */
export const nodeArtifact = (node: string): string => `nodes.${node}.json`;
