import { ArtifactMissing, type ArtifactStore, ArtifactsUnwritable, BodyTooLarge } from '@runlog/artifacts';
import type { ExecutionView, NodeView } from '@runlog/contract';
import { type BodyReference, type ExecutionCommand, type Json, largestInlineBytes } from '@runlog/execution';
import { Problem } from '../http/problem.js';

const PREVIEW_BYTES = 1024;

/** Bodies that are stored outside of events: of requests on their way in, of answers on their way out. */
export class StoredBodies {
  constructor(
    private readonly artifacts: ArtifactStore,
    /** An answer about one execution holds stored bodies of so many bytes together. */
    private readonly answerLimitBytes: number,
  ) {}

  /** The command with an input or answer that is too large for an event stored and referred to. Throws a 413 or 503 problem. */
  async stored(command: ExecutionCommand): Promise<ExecutionCommand> {
    if (command.type === 'CreateExecution') {
      const reference = await this.keep(command.workspaceId, command.created.input);
      return reference ? { ...command, created: { ...command.created, input: null, input_ref: reference } } : command;
    }
    if (command.type !== 'Respond' || command.answer === undefined) return command;
    const { answer, ...rest } = command;
    const reference = await this.keep(command.workspaceId, answer);
    return reference ? { ...rest, answerRef: reference } : command;
  }

  private async keep(workspaceId: string, value: Json): Promise<BodyReference | undefined> {
    const text = JSON.stringify(value);
    if (text.length * 3 <= largestInlineBytes || Buffer.byteLength(text) <= largestInlineBytes) return undefined;
    try {
      return await this.artifacts.put(workspaceId, text);
    } catch (error) {
      if (error instanceof BodyTooLarge) throw new Problem('too_large', 'body_too_large', error.message);
      if (!(error instanceof ArtifactsUnwritable)) throw error;
      throw new Problem('unavailable', 'artifact_store_full', error.message, { headers: { 'Retry-After': '10' } });
    }
  }

  /** Throws a 503 problem where it is gone. */
  async json(workspaceId: string, reference: BodyReference): Promise<Json> {
    try {
      return JSON.parse((await this.artifacts.read(workspaceId, reference)).toString('utf8')) as Json;
    } catch (error) {
      if (!(error instanceof ArtifactMissing)) throw error;
      throw new Problem('unavailable', 'artifact_missing', error.message, { headers: { 'Retry-After': '10' } });
    }
  }

  /** Stores an answer that is to be given again; undefined: it is small, or the store takes nothing, and its row holds it. */
  async keepAnswer(workspaceId: string, text: string): Promise<BodyReference | undefined> {
    if (text.length <= largestInlineBytes) return undefined;
    return this.artifacts.put(workspaceId, text).catch(() => undefined);
  }

  /** The node with its output in place, if one answer holds it. */
  async wholeNode(workspaceId: string, node: NodeView): Promise<NodeView> {
    const { output_ref, ...rest } = node;
    return output_ref && output_ref.bytes <= this.answerLimitBytes ? { ...rest, output: await this.json(workspaceId, output_ref) } : node;
  }

  /** The reference with the first characters of the body, if it is shown at all. */
  private async previewed(workspaceId: string, reference: BodyReference, isShown: boolean): Promise<BodyReference & { readonly preview?: string }> {
    if (!isShown) return reference;
    // Without a preview the reference is as good; who asks for the body itself is told what is wrong with it.
    const part = await this.artifacts.open(workspaceId, reference, { from: 0, to: Math.min(reference.bytes, PREVIEW_BYTES) - 1 }).catch(() => undefined);
    if (!part) return reference;
    const chunks: Buffer[] = [];
    for await (const chunk of part) chunks.push(chunk as Buffer);
    // What the end of the part has cut in two is left out.
    return { ...reference, preview: new TextDecoder().decode(Buffer.concat(chunks), { stream: true }) };
  }

  /** The view with its stored bodies in place as far as one answer holds them: the output first, then the input, then outputs of nodes. */
  async whole(view: ExecutionView, shown: { readonly output: boolean; readonly input: boolean; readonly nodes: boolean }): Promise<ExecutionView> {
    if (!refersToBodies(view)) return view;
    let left = this.answerLimitBytes;
    const fits = (reference: BodyReference | undefined, isShown: boolean): reference is BodyReference => {
      if (!reference || !isShown || reference.bytes > left) return false;
      left -= reference.bytes;
      return true;
    };
    const { output_ref, input_ref, ...rest } = view;
    const output = fits(output_ref, shown.output)
      ? { output: await this.json(view.workspace_id, output_ref) }
      : output_ref && { output_ref: await this.previewed(view.workspace_id, output_ref, shown.output) };
    const input = fits(input_ref, shown.input)
      ? { input: await this.json(view.workspace_id, input_ref) }
      : input_ref && { input_ref: await this.previewed(view.workspace_id, input_ref, shown.input) };
    if (!view.nodes) return { ...rest, ...output, ...input };
    const nodes: { [node: string]: NodeView } = { ...view.nodes };
    for (const [id, node] of Object.entries(nodes))
      if (fits(node.output_ref, shown.nodes)) {
        const { output_ref: reference, ...others } = node;
        nodes[id] = { ...others, output: await this.json(view.workspace_id, reference) };
      }
    return { ...rest, ...output, ...input, nodes };
  }
}

const refersToBodies = ({ output_ref, input_ref, nodes }: ExecutionView): boolean =>
  output_ref !== undefined || input_ref !== undefined || (nodes !== undefined && Object.values(nodes).some((node) => node.output_ref !== undefined));
