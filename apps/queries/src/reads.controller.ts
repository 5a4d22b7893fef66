import { Controller, Inject, Logger } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { ExecutionFilter, GateFilter, LogQuery, Reads, SessionFilter, TurnFilter, UsageFilter } from '@runlog/contract';
import { readsPatterns } from '@runlog/read-model';
import { READS } from './reads-token.js';

/** What goes back over the wire: an answer, or that this process failed at the read (and did not merely vanish). */
type Answer<Result> = { readonly ok: Result } | { readonly failed: string };

/** `Reads` over Nest TCP: one line a method. */
@Controller()
export class ReadsController {
  readonly #logger = new Logger(ReadsController.name);

  constructor(@Inject(READS) private readonly reads: Reads) {}

  @MessagePattern(readsPatterns.execution)
  execution(@Payload() ask: Parameters<Reads['execution']>[0]) {
    return this.#answer(() => this.reads.execution(ask));
  }

  @MessagePattern(readsPatterns.executions)
  executions(@Payload() filter: ExecutionFilter) {
    return this.#answer(() => this.reads.executions(filter));
  }

  @MessagePattern(readsPatterns.events)
  events(@Payload() ask: Parameters<Reads['events']>[0]) {
    return this.#answer(() => this.reads.events(ask));
  }

  @MessagePattern(readsPatterns.logs)
  logs(@Payload() ask: LogQuery) {
    return this.#answer(() => this.reads.logs(ask));
  }

  @MessagePattern(readsPatterns.frames)
  frames(@Payload() ask: Parameters<Reads['frames']>[0]) {
    return this.#answer(() => this.reads.frames(ask));
  }

  @MessagePattern(readsPatterns.heard)
  heard(@Payload() ask: Parameters<Reads['heard']>[0]) {
    return this.#answer(() => this.reads.heard(ask));
  }

  @MessagePattern(readsPatterns.nodes)
  nodes(@Payload() ask: Parameters<Reads['nodes']>[0]) {
    return this.#answer(() => this.reads.nodes(ask));
  }

  @MessagePattern(readsPatterns.gates)
  gates(@Payload() filter: GateFilter) {
    return this.#answer(() => this.reads.gates(filter));
  }

  @MessagePattern(readsPatterns.tree)
  tree(@Payload() ask: Parameters<Reads['tree']>[0]) {
    return this.#answer(() => this.reads.tree(ask));
  }

  @MessagePattern(readsPatterns.usage)
  usage(@Payload() filter: UsageFilter) {
    return this.#answer(() => this.reads.usage(filter));
  }

  @MessagePattern(readsPatterns.sessions)
  sessions(@Payload() filter: SessionFilter) {
    return this.#answer(() => this.reads.sessions(filter));
  }

  @MessagePattern(readsPatterns.turns)
  turns(@Payload() filter: TurnFilter) {
    return this.#answer(() => this.reads.turns(filter));
  }

  @MessagePattern(readsPatterns.replayNodes)
  replayNodes(@Payload() ask: Parameters<Reads['replayNodes']>[0]) {
    return this.#answer(() => this.reads.replayNodes(ask));
  }

  @MessagePattern(readsPatterns.effects)
  effects(@Payload() ask: Parameters<Reads['effects']>[0]) {
    return this.#answer(() => this.reads.effects(ask));
  }

  @MessagePattern(readsPatterns.positions)
  positions() {
    return this.#answer(() => this.reads.positions());
  }

  async #answer<Result>(read: () => Promise<Result>): Promise<Answer<Result>> {
    try {
      return { ok: await read() };
    } catch (cause) {
      const failed = cause instanceof Error ? cause.message : String(cause);
      this.#logger.error(failed, cause instanceof Error ? cause.stack : undefined);
      return { failed };
    }
  }
}
