import type { Json } from '@runlog/execution';
import type { Agency } from './agency.js';
import type { Guardrails } from './guardrails.js';
import type { Journal } from './journal.js';
import type { ModelReceipt } from './model-turn.js';
import type { AnswerPart } from './models/conversation.js';
import { Speech } from './speech.js';
import { Telling } from './telling.js';
import { Unfinished } from './unfinished.js';

type Kind = 'content' | 'thinking';
const kinds = ['content', 'thinking'] as const;

/** What an agent says and thinks: heard from models in pieces, with secrets blacked out and guardrails kept, told to whoever watches. */
export class Voice {
  readonly telling: Telling;
  readonly #speech: Readonly<Record<Kind, Speech>>;
  readonly #unfinished: Readonly<Record<Kind, Unfinished>>;
  /** With guardrails, text is said once all of a call's is there and has passed. */
  #heldBack: Record<Kind, string> = { content: '', thinking: '' };

  constructor(
    { task, frames, steps, redaction }: Agency,
    private readonly guardrails: Guardrails,
    signal: AbortSignal,
  ) {
    this.telling = new Telling(task, frames, () => steps.version, signal);
    const speech = (kind: Kind) => new Speech((text, from) => this.telling.tell({ kind, text, from }));
    this.#speech = { content: speech('content'), thinking: speech('thinking') };
    const unfinished = (kind: Kind) => new Unfinished(redaction, (text) => this.#give(kind, text));
    this.#unfinished = { content: unfinished('content'), thinking: unfinished('thinking') };
  }

  /** Everything it has said, in order. */
  get text(): string {
    return this.#speech.content.text;
  }

  /** Goes on where earlier attempts were interrupted. */
  async takeUp(journal: Journal, { task, memory }: Agency, signal: AbortSignal): Promise<void> {
    if (task.attempt === 1 && journal.isEmpty) return;
    this.telling.tell({ kind: 'fence' });
    for (const { kind, receipt } of journal.all) {
      const heard = kind === 'model' ? (receipt as unknown as ModelReceipt | null | undefined)?.heard : undefined;
      if (heard) for (const each of kinds) this.#speech[each].replay(heard[each]);
    }
    await this.telling.told();
    const said = await memory.saidBefore(task, signal);
    for (const each of kinds) this.#speech[each].known(said[each]);
  }

  begin(): void {
    for (const kind of kinds) this.#speech[kind].begin();
  }

  hear = (kind: Kind, text: string): void => this.#unfinished[kind].hear(text);

  /** @throws NodeFailure `guardrail_blocked` */
  end(isDone: boolean): ModelReceipt['heard'] {
    for (const kind of kinds) {
      this.#unfinished[kind].end(isDone);
      const heldBack = this.#heldBack[kind];
      this.#heldBack[kind] = '';
      if (isDone && heldBack !== '') this.#speech[kind].hear(this.guardrails.text(heldBack));
    }
    return { content: this.#speech.content.end(isDone), thinking: this.#speech.thinking.end(isDone) };
  }

  /** An answer as it may be kept: what guardrails replace is replaced, arguments of tools too. */
  checked(parts: readonly AnswerPart[]): readonly AnswerPart[] {
    if (this.guardrails.isEmpty) return parts;
    return parts.map((part) => ('text' in part && part.type !== 'call' ? { ...part, text: this.guardrails.texts(part.text as Json) as string } : part));
  }

  #give(kind: Kind, text: string): void {
    if (this.guardrails.isEmpty) this.#speech[kind].hear(text);
    else this.#heldBack[kind] += text;
  }
}
